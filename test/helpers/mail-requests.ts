import { sql } from 'kysely';
import { mailRequestHandlers } from '../../src/app/mail-request-handlers.ts';
import type { Editor } from '../../src/config/editors.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Address } from '../../src/subscribers/address.ts';
import { isMailHost } from '../../src/subscribers/sign-up/reputation.ts';
import { type FreshLinkPurpose, requestFreshLink } from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { type Keys, keyId, oneTimeToken } from '../../src/subscribers/tokens.ts';
import { type Answered, answerMailRequests } from '../../src/transactional/requests/answer-requests.ts';
import { addMailRequest } from '../../src/transactional/requests/request-store.ts';

/** Runs the job on the waiting requests. */
export function answerRequests(
  db: Connection,
  keys: Keys,
  parts: { editors?: readonly Editor[]; onSignInLink?: (token: string) => void } = {},
): Promise<Answered> {
  return answerMailRequests(db, {
    handlers: mailRequestHandlers({ keys, editors: [], ...parts }),
    isMailHost,
  });
}

/** A reader gives another address, and the job answers. @returns the mail to that address; null when there is none. */
export async function askForChange(
  db: Connection,
  subscriberId: string,
  to: Address,
  keys: Keys,
): Promise<string | null> {
  await addMailRequest(db, { kind: 'change', address: to, details: { subscriberId } });
  return (await answerRequests(db, keys)).mailIds[0] ?? null;
}

/** A person types an address into the form for a lost link, and the job answers. */
export async function askForLostLink(db: Connection, address: Address, keys: Keys): Promise<string | null> {
  await addMailRequest(db, { kind: 'link', address });
  return (await answerRequests(db, keys)).mailIds[0] ?? null;
}

/** A reader requests a fresh link, and the job answers. @returns its path; null when none is mailed. */
export async function askForFreshLink(
  db: Connection,
  subscriberId: string,
  purpose: FreshLinkPurpose,
  keys: Keys,
): Promise<string | null> {
  const reader = await findSubscriber(db, subscriberId);
  if (reader === undefined) return null;
  await requestFreshLink(db, reader, purpose);
  const { mailIds } = await answerRequests(db, keys);
  const { rows } = await sql<{ id: string }>`
    select id from mails where id = any(${mailIds}::uuid[]) and kind = 'step_up' and subscriber_id = ${subscriberId}
  `.execute(db);
  const [mail] = rows;
  return mail === undefined ? null : `/fresh/${oneTimeToken(keys, mail.id, keyId(keys[0]))}`;
}

/** Unanswered requests, oldest first, with their forms' values. */
export async function waitingRequests(db: Connection) {
  const rows = await db.selectFrom('mail_requests').selectAll().orderBy('created_at').execute();
  return rows.map((row) => {
    const { source, timezone, topics } = row.details as Record<string, unknown>;
    return { ...row, source, timezone, topics };
  });
}

/** Moves all rows of earlier forms into the past. */
export async function passRequests(db: Connection, interval: string): Promise<void> {
  await sql`update mail_request_counts set at = at - ${interval}::interval`.execute(db);
  await sql`update mail_requests set created_at = created_at - ${interval}::interval,
    due_at = due_at - ${interval}::interval`.execute(db);
}

/** Resets the limits: no inbox and no network has used up a share. */
export async function forgetRequests(db: Connection): Promise<void> {
  await passRequests(db, '60 days');
  await sql`delete from rate_limits`.execute(db);
}
