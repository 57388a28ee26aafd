import type { NoticeContent, NoticeGroup } from '../../emails/transactional/notice.tsx';
import { dueLabel } from '../issues/slot.ts';
import { oneLine, truncateAtWord } from '../issues/truncate.ts';
import { EVERY_KIND, kindOf } from '../notices/notice-kinds.ts';
import {
  lockMailing,
  lockUnmailed,
  mailingTimes,
  markMailed,
  type UnmailedNotice,
} from '../notices/notice-store.ts';
import { keyId } from '../subscribers/tokens.ts';
import { queueMails } from '../transactional/transactional-store.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Mails people what is wrong and what is over since the last such mail: one mail to each address, however many notices
 * there are. The first leaves at once; after that they are at least {@link PAUSE_MS} apart, and on a day with many
 * {@link LONG_PAUSE_MS}. Notices that nobody can be mailed about stay as they are.
 */
export async function mailNotices(app: WeekContext): Promise<void> {
  const { db, queue, logger, config } = app;
  const now = app.clock();
  const mailIds = await db.transaction().execute(async (tx) => {
    await lockMailing(tx);
    const unmailed = await lockUnmailed(tx);
    if (unmailed.length === 0) return [];
    if (!isTime(await mailingTimes(tx, new Date(now.getTime() - DAY_MS)), now)) return [];
    const groups = addressesByPart(config);
    const mailed = unmailed.filter((notice) => groups.some((each) => concerns(notice, each)));
    await markMailed(
      tx,
      mailed.map(({ id }) => id),
      now,
    );
    const mails = groups.flatMap((group) => {
      const content = contentOf(
        mailed.filter((notice) => concerns(notice, group)),
        config.schedule.zone,
      );
      if (content === null) return [];
      return group.addresses.map((recipient) => ({
        ...{ kind: 'notice' as const, recipient, keyId: keyId(app.keys[0]) },
        content: { ...content, isEditor: group.isEditors },
      }));
    });
    return await queueMails(tx, mails);
  });
  if (mailIds.length === 0) return;
  logger.info({ mails: mailIds.length }, 'people are mailed about notices');
  await queue.enqueue('mail', ...mailIds.map((mailId) => ({ mailId })));
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** At least this long between two mails to the same people. */
export const PAUSE_MS = 10 * MINUTE_MS;

/** After {@link MANY} mails in a day it is this long: what keeps coming and going is told once an hour. */
export const LONG_PAUSE_MS = 60 * MINUTE_MS;
const MANY = 6;

/**
 * Whether people may be mailed again.
 * @param earlier when they were mailed in the last day, newest first.
 */
export function isTime(earlier: readonly Date[], now: Date): boolean {
  const [last] = earlier;
  if (last === undefined) return true;
  return now.getTime() - last.getTime() >= (earlier.length >= MANY ? LONG_PAUSE_MS : PAUSE_MS);
}

interface Addresses {
  addresses: readonly string[];
  /** They are mailed about what editors can deal with, and nothing else. */
  isEditors: boolean;
}

/** Nobody is in two groups: operators are mailed about everything. */
function addressesByPart({ operators, editors }: WeekContext['config']): Addresses[] {
  const others = editors.map(({ email }) => email).filter((email) => !operators.includes(email));
  return [
    { addresses: operators, isEditors: false },
    { addresses: others, isEditors: true },
  ].filter(({ addresses }) => addresses.length > 0);
}

function concerns({ kind }: UnmailedNotice, { isEditors }: Addresses): boolean {
  return !isEditors || kindOf(kind).isForEditors;
}

/** The most notices of one kind in a mail, and the most that are over; the others are counted. */
const LISTED = 5;
const ENDED_LISTED = 10;

/** The most characters of one notice in a mail. */
const LONGEST = 400;

/** What a mail says; null when there is nothing to say. It is stored with the mail, so that a retry sends the same. */
export function contentOf(notices: readonly UnmailedNotice[], zone: string): NoticeContent | null {
  const line = (text: string) => truncateAtWord(oneLine(text), LONGEST);
  const groups = EVERY_KIND.flatMap((kind): NoticeGroup[] => {
    const begun = notices.filter((notice) => notice.kind === kind && notice.endedAt === null);
    const [first] = begun;
    if (first === undefined) return [];
    const { title, standsStill, whatToDo, page, isOver } = kindOf(kind);
    return [
      {
        ...{ standsStill, whatToDo, isOver, page: page(first.subject) },
        title: title(begun.map(({ subject }) => subject)),
        problems: begun.slice(0, LISTED).map(({ message, at }) => ({
          message: line(message),
          since: dueLabel(at, zone),
        })),
        more: Math.max(0, begun.length - LISTED),
      },
    ];
  });
  const over = notices.flatMap(({ kind, message, recovery, endedAt }) => {
    const words = recovery ?? kindOf(kind).recovery;
    if (endedAt === null || words === null) return [];
    return [{ was: line(message), words: line(words), at: dueLabel(endedAt, zone) }];
  });
  if (groups.length + over.length === 0) return null;
  return {
    groups,
    over: over.slice(0, ENDED_LISTED),
    moreOver: Math.max(0, over.length - ENDED_LISTED),
  };
}
