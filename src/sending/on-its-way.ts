import { type Issue, listIssues } from '../issues/issue-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { issueProgress } from './progress.ts';

/**
 * One line for each issue that some readers have and others wait for: an upgrade and a start say what becomes of it.
 */
export async function describeOnTheirWay(db: Connection): Promise<string[]> {
  const begun = await listIssues(db, { status: ['preparing', 'sending', 'paused', 'failed'] });
  const lines: string[] = [];
  for (const issue of begun.toReversed()) {
    const isStopped = issue.status === 'paused' || issue.status === 'failed';
    if (isStopped && issue.resumeTo !== 'sending' && issue.resumeTo !== 'preparing') continue;
    const { audience, prepared } = await issueProgress(db, issue.id);
    lines.push(lineOf(issue, { done: audience - prepared, audience }));
  }
  return lines;
}

function lineOf({ slug, status }: Issue, { done, audience }: { done: number; audience: number }): string {
  const how = `Issue ${slug} is on its way, ${done.toLocaleString('en')} of ${audience.toLocaleString('en')} readers are done.`;
  const next =
    status === 'paused' || status === 'failed'
      ? `It is ${status}, and \`resume\` goes on where it stopped`
      : 'The workers go on where they stopped';
  return `${how} ${next}; batches that were begun are asked for as they were, and nobody gets it twice.`;
}
