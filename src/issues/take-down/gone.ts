import { type GoneComparison, goneAmong } from '../../comparisons/gone/gone-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { Plan } from '../compose.ts';
import { linksOf } from '../editorial.ts';
import { lockComposing, lockIssue, type RecordChange } from '../issue-store.ts';
import { type AffectedIssue, dropFrom } from './take-down.ts';

/** Returns the comparisons of a plan whose pages are gone: new, changed, or in *what readers said*. */
export async function goneIn(db: Connection, plan: Plan): Promise<GoneComparison[]> {
  const links = linksOf(plan);
  return goneAmong(db, { slugs: links.map(({ about }) => about.slug), urls: links.map(({ url }) => url) });
}

export interface LeaveOutRequest {
  issueId: string;
  /** Writes into the audit log what was left out, in the same transaction. */
  record?: (tx: Connection, gone: readonly GoneComparison[]) => Promise<unknown>;
  /** Writes into the audit log that the approval of the issue was withdrawn because of it. */
  recordTakenBack?: RecordChange;
}

/**
 * Composes an issue again without what is gone. An approval is withdrawn first, because it was given for other content. It
 * is too late for an issue whose content is being frozen.
 * @returns undefined when nothing of it is gone.
 */
export async function leaveOutGone(
  db: Connection,
  { issueId, record, recordTakenBack }: LeaveOutRequest,
): Promise<AffectedIssue | undefined> {
  return db.transaction().execute(async (tx) => {
    await lockComposing(tx);
    const issue = await lockIssue(tx, issueId);
    const gone = issue.plan === null ? [] : await goneIn(tx, issue.plan);
    if (gone.length === 0) return undefined;
    const affected = await dropFrom(tx, issue, undefined, recordTakenBack);
    if (affected.isDropped) await record?.(tx, gone);
    return affected;
  });
}

/** Says what is gone, in one line: "Cursor vs Zed: it answered 404". */
export function describeGone(gone: readonly GoneComparison[]): string {
  return gone.map(({ title, reason }) => `${title}: its page is gone, it ${reason}`).join('; ');
}
