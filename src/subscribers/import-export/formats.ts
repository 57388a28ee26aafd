import { z } from 'zod';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { AppError } from '../../platform/errors.ts';
import { type Address, parseAddress } from '../address.ts';
import { unguarded } from './cells.ts';

/**
 * Lists as other services write them, read in our words. What a service calls a person is never taken for
 * more than it says: whoever left, bounced, complained or was blocked there is not mailed here, and a word
 * that nobody knows makes a bad row, not a reader.
 */

const FIELDS = [
  'email',
  'status',
  'topics',
  'timezone',
  'confirmed_at',
  'paused_until',
  'left_at',
  'left_reason',
  'links',
] as const;
type Field = (typeof FIELDS)[number];

/** The name of the column of each fact. */
export type Columns = Partial<Record<Field, string>>;

type Words = Record<string, SubscriberStatus>;

interface Format {
  name: string;
  /** A header with one of each of these is such a list. */
  signs: readonly (readonly string[])[];
  /** Names a column may have, the best first. */
  columns: Partial<Record<Field, readonly string[]>>;
  /** What it calls a person, where that is not one of {@link WORDS}. */
  words?: Words;
  /** Columns that only a list of people who are gone has. */
  gone?: Words;
}

const meaning = (status: SubscriberStatus, ...words: string[]): Words =>
  Object.fromEntries(words.map((word) => [word, status]));

const WORDS: Words = {
  ...meaning('active', 'active', 'subscribed', 'enabled', 'confirmed', 'regular'),
  ...meaning('pending', 'pending', 'unconfirmed', 'unactivated', 'non-subscribed', 'transactional'),
  ...meaning('unsubscribed', 'unsubscribed', 'removed', 'disabled', 'archived', 'inactive', 'deleted'),
  ...meaning('suppressed', 'suppressed', 'cleaned', 'bounced', 'blocklisted', 'blacklisted', 'blocked'),
  ...meaning('suppressed', 'complained', 'spam', 'spammy', 'undeliverable'),
};

const ADDRESS = ['email', 'email address', 'email_address', 'e-mail', 'e-mail address'];

/** The first that fits is taken; the last one fits every list with a column of addresses. */
const FORMATS: readonly Format[] = [
  {
    // An audience comes as one file for each state, which only the columns tell apart.
    name: 'Mailchimp',
    signs: [
      ['email address', 'email'],
      ['member_rating', 'optin_time', 'leid', 'euid', 'unsub_time', 'clean_time'],
    ],
    columns: {
      email: ADDRESS,
      status: ['status', 'email marketing status'],
      timezone: ['timezone'],
      confirmed_at: ['confirm_time'],
      left_at: ['unsub_time', 'clean_time'],
    },
    gone: { unsub_time: 'unsubscribed', clean_time: 'suppressed' },
  },
  {
    // `active_subscription` is about money: most readers have none.
    name: 'Substack',
    signs: [['email'], ['active_subscription', 'email_disabled']],
    columns: { email: ['email'], status: ['email_disabled'], left_at: ['unsubscribed_at'] },
    words: { false: 'active', true: 'unsubscribed' },
  },
  {
    // Most of its words are about money, too. `creation_date` is when an address was typed, not confirmed.
    name: 'Buttondown',
    signs: [['email', 'email_address'], ['creation_date'], ['type', 'subscriber_type', 'subscriber type']],
    columns: { email: ADDRESS, status: ['type', 'subscriber_type', 'subscriber type'] },
    words: meaning('active', 'premium', 'trialed', 'unpaid', 'gifted', 'churning', 'paused', 'past_due'),
  },
  {
    name: 'listmonk',
    signs: [['email'], ['status'], ['attributes']],
    columns: { email: ['email'], status: ['status'] },
  },
  {
    name: 'plain',
    signs: [ADDRESS],
    columns: {
      email: ADDRESS,
      status: ['status'],
      topics: ['topics'],
      timezone: ['timezone'],
      confirmed_at: ['confirmed_at'],
      paused_until: ['paused_until'],
      left_at: ['left_at', 'unsubscribed_at'],
      left_reason: ['left_reason'],
      links: ['links'],
    },
  },
];

/** In a list we do not know, a column that may say who wants mail; somebody has to tell how it is read. */
const MAY_TELL_WHO_LEFT =
  /^(?:is[ _-])?(?:un-?sub|subscribed|opt(?:ed)?[ _-]?(?:in|out)|bounce|complain|suppress|block|remov|clean)/;

/** What one row says of one person. */
export interface Row extends Address {
  status: SubscriberStatus;
  /** Sorted. */
  topics: string[];
  timezone: string | null;
  /** When they confirmed, by the list itself; null also for whoever is pending. */
  confirmedAt: Date | null;
  pausedUntil: Date | null;
  /** Why they are suppressed, in the list's own word. */
  reason: string | null;
  /** What an export of ours says of their links, still to be verified. */
  signedLinks?: string | undefined;
}

export interface RowReader {
  /** What the list was taken for. */
  format: string;
  columns: Columns;
  /** Names of columns nothing is taken from. */
  unused: string[];
  read(cells: readonly string[]): Row | { fault: string };
}

/**
 * Makes a reader for lists with this header.
 * @param map columns named by a person, before those of the format; '' where there is none.
 * @param now nobody confirmed after it.
 * @throws AppError `import-columns`.
 */
export function rowReader(header: readonly string[], map: Columns, now: Date): RowReader {
  const strange = Object.keys(map).find((name) => !FIELDS.some((field) => field === name));
  if (strange !== undefined) {
    throw new AppError('import-columns', `There is nothing called ${printable(strange)} in our lists.`, {
      help: `Columns can be named for ${FIELDS.join(', ')}.`,
    });
  }
  const names = header.map((name) => name.trim().toLowerCase());
  const format = FORMATS.find(({ signs }) =>
    signs.every((sign) => sign.some((name) => names.includes(name))),
  );
  const columns: Columns = {};
  for (const field of FIELDS) {
    const wanted = map[field]?.trim().toLowerCase();
    if (wanted && !names.includes(wanted)) throw noColumn(header, `There is no column called ${map[field]}.`);
    const name = wanted ?? format?.columns[field]?.find((each) => names.includes(each));
    if (name) columns[field] = name;
  }
  if (columns.email === undefined) throw noColumn(header, 'No column is known to hold the addresses.');

  const used = new Set(Object.values(columns));
  const unused = names.filter((name) => name !== '' && !used.has(name));
  const isUnknown = format === undefined || format.name === 'plain';
  const suspect = unused.find((name) => MAY_TELL_WHO_LEFT.test(name));
  if (
    isUnknown &&
    suspect &&
    columns.status === undefined &&
    (map.left_at ?? columns.left_at) === undefined
  ) {
    throw new AppError('import-columns', `The column ${suspect} may say who left, and nobody said how.`, {
      help: `Name it with --map status=${suspect} or --map left_at=${suspect}; --map left_at= says that nobody in this list left.`,
    });
  }

  const gone = Object.entries(format?.gone ?? {}).find(([name]) => names.includes(name));
  const words = { ...WORDS, ...format?.words };
  const otherwise = gone?.[1] ?? 'active';
  // Other services put a list into a cell with commas; one of our topics may have a comma inside.
  const facts = factsSchema(map.topics === undefined ? ';' : /[;,]/, now);
  const at = (field: Field) => names.indexOf(columns[field] ?? '\0');
  const index = Object.fromEntries(FIELDS.map((field) => [field, at(field)])) as Record<Field, number>;
  return {
    format: Object.keys(map).length > 0 ? 'mapped' : (format?.name ?? 'mapped'),
    columns,
    unused,
    read(cells) {
      const cell = (field: Field) => unguarded((cells[index[field]] ?? '').trim());
      const address = parseAddress(cell('email'));
      if ('reason' in address) return { fault: `email ${address.reason}` };
      const word = cell('status').toLowerCase();
      const said = word === '' ? otherwise : Object.hasOwn(words, word) ? words[word] : undefined;
      if (said === undefined) return { fault: 'status is no word that we know for one' };
      const hasGone = hasUnsubscribed(said);
      const status = cell('left_at') !== '' && !hasGone ? 'unsubscribed' : said;

      const read = facts.safeParse({
        topics: cell('topics'),
        timezone: cell('timezone'),
        confirmed_at: cell('confirmed_at'),
        paused_until: cell('paused_until'),
      });
      // Who left has left, whatever else the row says.
      if (!read.success && !hasUnsubscribed(status)) return { fault: faultOf(read.error) };
      const { confirmed_at: confirmedAt, paused_until: pausedUntil, ...rest } = read.data ?? NO_FACTS;
      const reason = status === 'suppressed' ? cell('left_reason') || word || null : null;
      return {
        ...address,
        status,
        ...rest,
        confirmedAt: status === 'pending' ? null : confirmedAt,
        pausedUntil: hasUnsubscribed(status) ? null : pausedUntil,
        reason: reason && printable(reason),
        signedLinks: cell('links') || undefined,
      };
    },
  };
}

/** Whether a state is one that no list and no form may weaken. */
export function hasUnsubscribed(status: SubscriberStatus): status is 'unsubscribed' | 'suppressed' {
  return status === 'unsubscribed' || status === 'suppressed';
}

function noColumn(header: readonly string[], why: string): AppError {
  return new AppError('import-columns', why, {
    help: `The first line reads: ${printable(header.join(', ')).slice(0, 200)}. Name the columns with --map email=COLUMN,status=COLUMN.`,
  });
}

const printable = (text: string) => text.replace(/\p{Cc}+/gu, ' ').trim();

/** No database holds a NUL, and no reader types a tab. */
const cell = z.string().regex(/^\P{Cc}*$/u, 'contains an invisible character');

const NO_FACTS = { topics: [], timezone: null, confirmed_at: null, paused_until: null };

/** Before this there were no lists like ours; such a date is a slip. */
const EARLIEST = new Date('1995-01-01T00:00:00Z');

function factsSchema(separator: string | RegExp, now: Date) {
  return z.object({
    topics: cell.transform((text) =>
      [...new Set(text.split(separator).map((topic) => topic.trim().replace(/^"(.*)"$/, '$1')))]
        .filter(Boolean)
        .sort(),
    ),
    timezone: cell
      .refine((text) => text === '' || isTimezone(text), 'is no time zone like Europe/Berlin')
      .transform((text) => text || null),
    confirmed_at: time
      .refine((date) => date === null || date >= EARLIEST, 'is before 1995')
      .refine((date) => date === null || date <= now, 'is later than today'),
    paused_until: time,
  });
}

const time = cell
  .transform((text) => withZone(text) || null)
  .pipe(
    z.iso
      .datetime({ offset: true, error: 'is not a date and time like 2026-11-01T09:00:00Z' })
      .transform((text) => new Date(text))
      .nullable(),
  );

/** "2026-11-01 09:00:00" is what Mailchimp and others write, in UTC. */
function withZone(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(?: ?UTC)?$/, '$1T$2Z');
}

const zones = new Map<string, boolean>();

/** By name, as IANA has them: an offset does not know about summer. */
function isTimezone(text: string): boolean {
  const known = zones.get(text);
  if (known !== undefined) return known;
  let isZone = /^[a-z]/i.test(text);
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
  } catch {
    isZone = false;
  }
  // A list of a million has a few hundred; one made of nonsense must not fill the memory.
  if (zones.size < 1_000) zones.set(text, isZone);
  return isZone;
}

function faultOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
}
