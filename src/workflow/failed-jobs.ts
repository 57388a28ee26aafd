import { listIssues } from '../issues/issue-store.ts';
import { oneLine, truncateAtWord } from '../issues/truncate.ts';
import { recordFault, type StoredFault } from '../notices/fault-store.ts';
import { notify } from '../notices/notice-store.ts';
import type { IssueStatus } from '../platform/db/schema.ts';
import type { WeekContext } from './week-context.ts';

/** Which issues stand still when a job fails. */
const STANDS_STILL: Record<string, IssueStatus> = { prepare: 'preparing', submit: 'sending' };

/** The most characters of a reason. */
const LONGEST = 200;

/** Tells people of a job that failed as often as it may. */
export async function noteFailedJob(
  app: Pick<WeekContext, 'db'>,
  job: string,
  { message }: Error,
): Promise<void> {
  const fault = { kind: 'job-failed', subject: job, reason: truncateAtWord(oneLine(message), LONGEST) };
  const stored = await recordFault(app.db, fault);
  const said = await describeFailedJob(app, stored);
  await notify(app.db, { kind: 'job-failed', subject: job, message: said, at: stored.since });
}

/** "The job prepare fails as often as it is tried: …. Issue 2027-01-05 stays preparing." */
export async function describeFailedJob(
  { db }: Pick<WeekContext, 'db'>,
  { subject, reason }: StoredFault,
): Promise<string> {
  const status = STANDS_STILL[subject];
  const issues = status === undefined ? [] : await listIssues(db, { status: [status] });
  const still = issues.map(({ slug }) => ` Issue ${slug} stays ${status}.`).join('');
  return `The job ${subject} fails as often as it is tried: ${reason}.${still}`;
}
