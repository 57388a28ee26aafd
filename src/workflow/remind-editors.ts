import type { Editor } from '../config/editors.ts';
import type { Issue } from '../issues/issue-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { queueMail } from '../transactional/transactional-store.ts';
import { insertReminder } from './reminder-store.ts';

/** How long before its slot an unapproved issue becomes urgent. */
const NEAR_MS = 3 * 3_600_000;

/**
 * Reminds every editor once of a draft, and once more when its slot is near and it is still not approved. Called
 * every minute.
 * @param due the due time, formatted for people.
 * @returns the ids of the mails to enqueue.
 */
export async function remindEditors(
  db: Connection,
  issue: Issue,
  { editors, now, due, keyId }: { editors: readonly Editor[]; now: Date; due: string; keyId: string },
): Promise<string[]> {
  if (issue.status !== 'review' || editors.length === 0 || issue.dueAt <= now) return [];
  const near = issue.dueAt.getTime() - now.getTime() <= NEAR_MS;
  return db.transaction().execute(async (tx) => {
    const first = await insertReminder(tx, issue.id, 'ready');
    const urgent = near && (await insertReminder(tx, issue.id, 'slot_nears'));
    if (!first && !urgent) return [];
    const content = { about: urgent ? 'slot_nears' : 'ready', issueId: issue.id, due };
    const mails: string[] = [];
    for (const { email } of editors)
      mails.push(await queueMail(tx, { kind: 'reminder', recipient: email, content, keyId }));
    return mails;
  });
}
