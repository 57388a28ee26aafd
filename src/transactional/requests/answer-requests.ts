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
 * Answers the requests of one kind, in the transaction that claims them: it looks up the owner of each address, and
 * queues mails by `queueMails`.
 * @param accepted requests within all limits.
 * @param declined requests that must not cause mail: over a limit, replaced by a newer one, or for a blocked inbox.
 *   They are passed so that their other effects (a log entry, a link that ends) are the same as for accepted ones.
 * @returns the ids of the mails that it queued.
 */
export type MailRequestHandler = (
  tx: Connection,
  accepted: readonly MailRequest[],
  declined: readonly MailRequest[],
) => Promise<string[]>;

/** The handler of each kind; a kind without a handler does not compile. */
export type MailRequestHandlers = Readonly<Record<MailRequestKind, MailRequestHandler>>;

export interface Answered {
  /** Mails that workers must be woken for. */
  mailIds: string[];
  /** Domains whose hourly budget is exceeded; `*` for the budget of all domains. */
  budgetsExceeded: string[];
}

/** Answers all pending requests. Simultaneous calls run one after the other. */
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

/** A reader is identified by their id; for anybody else there is only the typed address. */
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
  const { decisions, budgetsExceeded: exceeded } = decideRequests(due.map(asCandidate), {
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
    const [accepted, declined] = [ofKind(decided('answer')), ofKind(decided('decline', 'drop'))];
    if (accepted.length + declined.length === 0) continue;
    mailIds.push(...(await handlers[kind](tx, accepted, declined)));
  }
  await countRequests(
    tx,
    decided('answer', 'decline').map((each) => ({ ...each, share: SHARE_OF[each.kind] })),
  );
  await closeRequests(
    tx,
    decided('answer', 'decline', 'drop').map(({ id }) => id),
    decided('postpone').map(({ id }) => id),
  );
  return { mailIds, budgetsExceeded: [...exceeded], taken: due.length };
}
