import type { Connection } from '../../platform/db/database.ts';
import {
  type Candidate,
  type Decision,
  decideRequests,
  MAIL_REQUEST_KINDS,
  type MailRequestKind,
  SHARE_OF,
} from './request-policy.ts';
import {
  answeredFor,
  answeredLastHour,
  closeRequests,
  countRequests,
  lockDueRequests,
  type MailRequest,
  readersByDomain,
  refusedAmong,
} from './request-store.ts';

/** Requests in one transaction. */
const CHUNK = 500;

/**
 * Answers the requests of one kind, in the transaction that takes them: it looks up who the address belongs to, and
 * queues mails by `queueMails`.
 * @param admitted within all limits.
 * @param silent must mail nobody: over a limit, replaced by a newer one, or for an inbox that is refused. They are
 * given so that their other effects (an entry in the log, a link that ends) are the same as of the admitted.
 * @returns the ids of the mails that it queued.
 */
export type MailRequestHandler = (
  tx: Connection,
  admitted: readonly MailRequest[],
  silent: readonly MailRequest[],
) => Promise<string[]>;

/** Who answers what; a kind without a handler does not compile. */
export type MailRequestHandlers = Readonly<Record<MailRequestKind, MailRequestHandler>>;

export interface Answered {
  /** Mails for which a worker is to be woken. */
  mailIds: string[];
  /** Domains whose hourly budget is spent; `*` for that of all. */
  budgetsExceeded: string[];
}

/** Answers every request that waits. Two at once are one after the other. */
export async function answerMailRequests(
  db: Connection,
  { handlers, isMailHost }: { handlers: MailRequestHandlers; isMailHost(domain: string): boolean },
): Promise<Answered> {
  const answered: Answered = { mailIds: [], budgetsExceeded: [] };
  for (let taken = CHUNK; taken === CHUNK; ) {
    const chunk = await db.transaction().execute((tx) => answerChunk(tx, handlers, isMailHost));
    answered.mailIds.push(...chunk.mailIds);
    answered.budgetsExceeded = [...new Set([...answered.budgetsExceeded, ...chunk.budgetsExceeded])];
    taken = chunk.taken;
  }
  return answered;
}

/** A reader is known by their id; of anybody else there is only the address that was typed. */
function asCandidate({ details, emailKey, ...request }: MailRequest): Candidate {
  const { subscriberId } = details;
  return { ...request, askedBy: typeof subscriberId === 'string' ? subscriberId : emailKey };
}

async function answerChunk(
  tx: Connection,
  handlers: MailRequestHandlers,
  isMailHost: (domain: string) => boolean,
): Promise<Answered & { taken: number }> {
  const due = await lockDueRequests(tx, MAIL_REQUEST_KINDS, CHUNK);
  if (due.length === 0) return { mailIds: [], budgetsExceeded: [], taken: 0 };
  const inboxes = [...new Set(due.map(({ inbox }) => inbox))];
  const { decisions, budgetsExceeded: spent } = decideRequests(due.map(asCandidate), {
    refused: await refusedAmong(tx, inboxes),
    answered: await answeredFor(tx, inboxes),
    lastHour: await answeredLastHour(tx),
    readers: await readersByDomain(tx, [...new Set(due.map(({ domain }) => domain))]),
    isMailHost,
  });
  const decided = (...wanted: Decision[]) =>
    due.filter(({ id }) => wanted.includes(decisions.get(id) ?? 'drop'));

  const mailIds: string[] = [];
  for (const kind of MAIL_REQUEST_KINDS) {
    const ofKind = (requests: MailRequest[]) => requests.filter((each) => each.kind === kind);
    const [admitted, silent] = [ofKind(decided('answer')), ofKind(decided('silence', 'drop'))];
    if (admitted.length + silent.length === 0) continue;
    mailIds.push(...(await handlers[kind](tx, admitted, silent)));
  }
  await countRequests(
    tx,
    decided('answer', 'silence').map((each) => ({ ...each, share: SHARE_OF[each.kind] })),
  );
  await closeRequests(
    tx,
    decided('answer', 'silence', 'drop').map(({ id }) => id),
    decided('postpone').map(({ id }) => id),
  );
  return { mailIds, budgetsExceeded: [...spent], taken: due.length };
}
