import { contentHash as comparisonHash } from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import { compose } from './compose.ts';
import type { IssueContent } from './content.ts';
import type { Slot } from './slot.ts';
import {
  findCandidates,
  findChanged,
  type Issue,
  lockComposing,
  lockSlot,
  nextNumber,
  writeContents,
  writeIssue,
} from './store.ts';

export interface WeekSettings {
  newsletter: IssueContent['newsletter'];
  template: string;
  minComparisons: number;
}

/**
 * Composes the issue of a slot from what is on the books, in one transaction. Composing again refreshes a
 * draft, an issue in review, or a slot that was skipped but is still ahead; an issue that is further is
 * returned as it is. Whatever asks, a slot has one issue (I6).
 */
export async function composeIssue(
  db: Connection,
  slot: Slot,
  settings: WeekSettings,
  now: Date,
): Promise<Issue> {
  return db.transaction().execute(async (tx) => {
    // Two that compose at once would take the same comparisons and the same number.
    await lockComposing(tx);
    const existing = await lockSlot(tx, slot.key);
    if (existing !== undefined && !isOpen(existing, now)) return existing;

    const candidates = await findCandidates(tx, existing?.id);
    const mailed = await findChanged(tx);
    const number = existing?.number ?? (await nextNumber(tx));
    const composition = compose({
      newsletter: settings.newsletter,
      number,
      slug: slot.key,
      date: slot.key,
      links: { online: `${settings.newsletter.url}/issues/${slot.key}` },
      candidates,
      mailed,
      votes: [],
      minComparisons: settings.minComparisons,
    });
    if (composition.kind === 'skipped') {
      const issue = await writeIssue(tx, slot, settings.template, { skipped: composition.reason });
      await writeContents(tx, issue.id, []);
      return issue;
    }

    const { plan } = composition;
    const issue = await writeIssue(tx, slot, settings.template, { number, plan });
    const planned = new Set(plan.comparisons.map(({ comparison }) => comparison.slug));
    const changed = new Set(plan.changed.map(({ row }) => row.slug));
    await writeContents(tx, issue.id, [
      ...candidates
        .filter(({ comparison }) => planned.has(comparison.slug))
        .map(({ id, comparison }) => ({
          id,
          section: 'new' as const,
          comparison,
          hash: comparisonHash(comparison),
        })),
      ...mailed
        .filter(({ now: current }) => changed.has(current.slug))
        .map(({ id, now: current }) => ({
          id,
          section: 'changed' as const,
          comparison: current,
          hash: comparisonHash(current),
        })),
    ]);
    return issue;
  });
}

/** Whether composing may still replace it. */
export function isOpen(issue: Issue, now: Date): boolean {
  return (
    issue.status === 'draft' || issue.status === 'review' || (issue.status === 'skipped' && issue.dueAt > now)
  );
}
