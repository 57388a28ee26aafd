import { randomUUID } from 'node:crypto';
import type { Connection } from '../../platform/db/database.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import type { MailRequest } from '../../transactional/requests/request-store.ts';
import { queueMail, queueMails } from '../../transactional/transactional-store.ts';
import { suppressionCause } from '../suppression.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';
import { AFTER_BOUNCE } from './limits.ts';
import {
  consumeConfirmToken,
  createPending,
  type Evidence,
  type KnownAddress,
  knownAddresses,
  recordConfirmationSent,
  type SignUpDetails,
} from './sign-up-store.ts';

/** Which mail an address gets after a sign-up: a confirm mail, a note that it is already subscribed, or none. */
export function answerTo(known: KnownAddress | undefined): 'confirm' | 'already' | null {
  switch (known?.status) {
    case undefined:
    case 'pending':
    case 'unsubscribed':
      return 'confirm';
    case 'active':
      return known.wasReminded ? null : 'already';
    case 'suppressed': {
      if (suppressionCause(known.reason) !== 'bounced') return null;
      const hasRoom = AFTER_BOUNCE.every(
        ({ points, seconds }) => known.confirmMailAges.filter((age) => age < seconds).length < points,
      );
      return hasRoom ? 'confirm' : null;
    }
  }
}

/** Answers sign-ups by the status of each address. */
export function signUpHandler(keys: Keys): MailRequestHandler {
  return async (tx, accepted) => {
    const known = await knownAddresses(
      tx,
      accepted.map(({ emailKey }) => emailKey),
    );
    const getting = (answer: 'confirm' | 'already') =>
      accepted.filter(({ emailKey }) => answerTo(known.get(emailKey)) === answer);
    const readers = getting('already').flatMap(({ emailKey }) => known.get(emailKey)?.id ?? []);
    return [...(await invite(tx, keys, getting('confirm'))), ...(await remind(tx, keys, readers))];
  };
}

async function invite(tx: Connection, keys: Keys, requests: readonly MailRequest[]): Promise<string[]> {
  if (requests.length === 0) return [];
  const signingKey = keyId(keys[0]);
  const invited = requests.map(({ id, details, ...request }) => ({
    ...request,
    signUpId: id,
    details: details as unknown as SignUpDetails,
  }));
  const people = await createPending(tx, invited);
  const asked = invited.flatMap(({ signUpId, details, ip, userAgent }) => {
    const subscriberId = people.get(signUpId);
    if (subscriberId === undefined) return [];
    const mailId = randomUUID();
    const hash = tokenHash(oneTimeToken(keys, mailId, signingKey));
    return [{ subscriberId, mailId, tokenHash: hash, details, ip, userAgent }];
  });
  const mailIds = await queueMails(
    tx,
    asked.map(({ mailId, subscriberId }) => ({
      kind: 'confirm',
      id: mailId,
      subscriberId,
      keyId: signingKey,
    })),
  );
  await recordConfirmationSent(tx, asked);
  return mailIds;
}

async function remind(tx: Connection, keys: Keys, readers: readonly string[]): Promise<string[]> {
  return queueMails(
    tx,
    readers.map((subscriberId) => ({ kind: 'already', subscriberId, keyId: keyId(keys[0]) })),
  );
}

/**
 * Confirms a subscription and stores the welcome mail in the same transaction.
 * @param latestIssue slug of the issue in the welcome mail; null when none was sent yet.
 * @returns the mail to enqueue, or undefined when nothing changed.
 */
export async function confirmSubscription(
  db: Connection,
  keys: Keys,
  { token, evidence, latestIssue }: { token: string; evidence: Evidence; latestIssue: string | null },
): Promise<string | undefined> {
  return await db.transaction().execute(async (tx) => {
    const subscriberId = await consumeConfirmToken(tx, tokenHash(token), evidence);
    if (subscriberId === undefined) return undefined;
    const content = { issue: latestIssue };
    return await queueMail(tx, { kind: 'welcome', subscriberId, content, keyId: keyId(keys[0]) });
  });
}
