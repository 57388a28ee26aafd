import { randomUUID } from 'node:crypto';
import type { Connection } from '../../db/index.ts';
import { queueMail, queueMails } from '../../transactional/index.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';
import {
  admit,
  closeSignUps,
  countMails,
  dueSignUps,
  type Evidence,
  recordAsked,
  useInvitation,
  type Waiting,
} from './store.ts';

/** Sign-ups in one transaction. */
const CHUNK = 500;

export interface Answered {
  /** To be rung for. */
  mailIds: string[];
  /** Domains whose budget is spent; `*` for that of all. */
  spent: string[];
}

/**
 * Answers the sign-ups that wait, by what each address is to us: a confirm mail for who is new, pending or
 * left; a note for a reader; nothing for who must never be mailed, or was mailed too often.
 */
export async function answerSignUps(db: Connection, keys: Keys): Promise<Answered> {
  const answered: Answered = { mailIds: [], spent: [] };
  for (let taken = CHUNK; taken === CHUNK; ) {
    const chunk = await db.transaction().execute((tx) => answerChunk(tx, keys));
    answered.mailIds.push(...chunk.mailIds);
    answered.spent = [...new Set([...answered.spent, ...chunk.spent])];
    taken = chunk.taken;
  }
  return answered;
}

async function answerChunk(tx: Connection, keys: Keys): Promise<Answered & { taken: number }> {
  const due = await dueSignUps(tx, CHUNK);
  const getting = (answer: Waiting['answer']) => due.filter((each) => each.answer === answer);
  const mails = [
    ...(await invite(tx, keys, getting('confirm'))),
    ...(await remind(tx, keys, getting('already'))),
  ];
  await countMails(tx, mails);
  const later = getting('later').map(({ id }) => id);
  const kept = new Set(later);
  const answered = due.map(({ id }) => id).filter((id) => !kept.has(id));
  await closeSignUps(tx, answered, later);
  return {
    taken: due.length,
    mailIds: mails.map(({ mailId }) => mailId),
    spent: due.flatMap(({ spent, domain }) => (spent === null ? [] : [spent === 'domain' ? domain : '*'])),
  };
}

interface Caused {
  signUpId: string;
  mailId: string;
}

async function invite(tx: Connection, keys: Keys, due: Waiting[]): Promise<Caused[]> {
  if (due.length === 0) return [];
  const signingKey = keyId(keys[0]);
  const people = await admit(
    tx,
    due.map(({ id }) => id),
  );
  const asked = [...people].map(([signUpId, subscriberId]) => {
    const mailId = randomUUID();
    return { signUpId, subscriberId, mailId, tokenHash: tokenHash(oneTimeToken(keys, mailId, signingKey)) };
  });
  await queueMails(
    tx,
    asked.map(({ mailId, subscriberId }) => ({
      kind: 'confirm',
      id: mailId,
      subscriberId,
      keyId: signingKey,
    })),
  );
  await recordAsked(tx, asked);
  return asked;
}

async function remind(tx: Connection, keys: Keys, due: Waiting[]): Promise<Caused[]> {
  const mailIds = await queueMails(
    tx,
    due.map(({ subscriberId }) => ({
      kind: 'already',
      ...(subscriberId === null ? {} : { subscriberId }),
      keyId: keyId(keys[0]),
    })),
  );
  return due.map(({ id }, index) => ({ signUpId: id, mailId: mailIds[index] ?? '' }));
}

/**
 * Confirms a subscription and puts the welcome mail on the books with it.
 * @param latestIssue slug of the issue to welcome them with; null when none has gone out.
 * @returns the mail to ring for, or undefined when nothing changed.
 */
export async function confirmSubscription(
  db: Connection,
  keys: Keys,
  { token, evidence, latestIssue }: { token: string; evidence: Evidence; latestIssue: string | null },
): Promise<string | undefined> {
  return await db.transaction().execute(async (tx) => {
    const subscriberId = await useInvitation(tx, tokenHash(token), evidence);
    if (subscriberId === undefined) return undefined;
    const content = { issue: latestIssue };
    return await queueMail(tx, { kind: 'welcome', subscriberId, content, keyId: keyId(keys[0]) });
  });
}
