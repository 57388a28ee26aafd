import { z } from 'zod';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { AppError } from '../../platform/errors.ts';
import { type Address, parseAddress } from '../address.ts';
import { unescapeFormula } from './cells.ts';

/**
 * Lists in the formats of other services, translated into our words. A status in a list is never read as more than it
 * says: somebody who unsubscribed, bounced, complained or was blocked there gets no mail here, and a row with an
 * unknown status is rejected.
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

/** The column name of each field. */
export type Columns = Partial<Record<Field, string>>;

type Words = Record<string, SubscriberStatus>;

interface Format {
  name: string;
  /** The format fits when the header has one column of each of these groups. */
  signs: readonly (readonly string[])[];
  /** Column names for each field, best first. */
  columns: Partial<Record<Field, readonly string[]>>;
  /** The format's own words for a status, in addition to {@link WORDS}. */
  words?: Words;
  /** Columns that exist only in a list of people who unsubscribed or were removed. */
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

/** The first format that fits is used. The last one fits every list with an address column. */
const FORMATS: readonly Format[] = [
  {
    // Mailchimp exports one file for each status, and only the columns tell the files apart.
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
    // `active_subscription` is about payment: most readers have none.
    name: 'Substack',
    signs: [['email'], ['active_subscription', 'email_disabled']],
    columns: { email: ['email'], status: ['email_disabled'], left_at: ['unsubscribed_at'] },
    words: { false: 'active', true: 'unsubscribed' },
  },
  {
    // Most of its words are about payment, too. `creation_date` is when an address was typed, not when it was
    // confirmed.
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

/** A column that may say who wants mail, in a list of unknown format. A person must say how to read it. */
const STATUS_LIKE_COLUMN =
  /^(?:is[ _-])?(?:un-?sub|subscribed|opt(?:ed)?[ _-]?(?:in|out)|bounce|complain|suppress|block|remov|clean)/;

/** One person, as one row describes them. */
export interface Row extends Address {
  status: SubscriberStatus;
  /** Sorted. */
  topics: string[];
  timezone: string | null;
  /** When they confirmed, according to the list; null also for a pending person. */
  confirmedAt: Date | null;
  pausedUntil: Date | null;
  /** Why they are suppressed, in the list's own word. */
  reason: string | null;
  /** The links of an export of ours, not verified yet. */
  signedLinks?: string | undefined;
}

export interface RowReader {
  /** Name of the detected format. */
  format: string;
  columns: Columns;
  /** Names of columns that are not read. */
  unused: string[];
  read(cells: readonly string[]): Row | { fault: string };
}

/**
 * Makes a reader for lists with this header.
 * @param map columns named by a person; they override those of the format. '' means that the column is missing.
 * @param now a confirmation later than this is an error.
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
  const statusLike = unused.find((name) => STATUS_LIKE_COLUMN.test(name));
  if (
    isUnknown &&
    statusLike &&
    columns.status === undefined &&
    (map.left_at ?? columns.left_at) === undefined
  ) {
    throw new AppError('import-columns', `The column ${statusLike} may say who left, and nobody said how.`, {
      help: `Name it with --map status=${statusLike} or --map left_at=${statusLike}; --map left_at= says that nobody in this list left.`,
    });
  }

  const gone = Object.entries(format?.gone ?? {}).find(([name]) => names.includes(name));
  const words = { ...WORDS, ...format?.words };
  const otherwise = gone?.[1] ?? 'active';
  // Other services separate topics by commas. In our own format, a topic may contain a comma.
  const facts = factsSchema(map.topics === undefined ? ';' : /[;,]/, now);
  const at = (field: Field) => names.indexOf(columns[field] ?? '\0');
  const index = Object.fromEntries(FIELDS.map((field) => [field, at(field)])) as Record<Field, number>;
  return {
    format: Object.keys(map).length > 0 ? 'mapped' : (format?.name ?? 'mapped'),
    columns,
    unused,
    read(cells) {
      const cell = (field: Field) => unescapeFormula((cells[index[field]] ?? '').trim());
      const address = parseAddress(cell('email'));
      if ('reason' in address) return { fault: `email ${address.reason}` };
      const word = cell('status').toLowerCase();
      const said = word === '' ? otherwise : Object.hasOwn(words, word) ? words[word] : undefined;
      if (said === undefined) return { fault: 'status is no word that we know for one' };
      const status = cell('left_at') !== '' && !hasUnsubscribed(said) ? 'unsubscribed' : said;

      const read = facts.safeParse({
        topics: cell('topics'),
        timezone: cell('timezone'),
        confirmed_at: cell('confirmed_at'),
        paused_until: cell('paused_until'),
      });
      // A row that says `unsubscribed` counts, even when other cells of it are invalid.
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

/** Whether no list and no form may weaken this status. */
export function hasUnsubscribed(status: SubscriberStatus): status is 'unsubscribed' | 'suppressed' {
  return status === 'unsubscribed' || status === 'suppressed';
}

function noColumn(header: readonly string[], why: string): AppError {
  return new AppError('import-columns', why, {
    help: `The first line reads: ${printable(header.join(', ')).slice(0, 200)}. Name the columns with --map email=COLUMN,status=COLUMN.`,
  });
}

const printable = (text: string) => text.replace(/\p{Cc}+/gu, ' ').trim();

/** A database cannot store NUL, and a person does not type a tab. */
const cell = z.string().regex(/^\P{Cc}*$/u, 'contains an invisible character');

const NO_FACTS = { topics: [], timezone: null, confirmed_at: null, paused_until: null };

/** Earlier dates are mistakes: there were no such mailing lists before. */
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

/** Mailchimp and others write "2026-11-01 09:00:00", in UTC. */
function withZone(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(?: ?UTC)?$/, '$1T$2Z');
}

const zones = new Map<string, boolean>();

/** Only IANA names: an offset does not follow daylight saving time. */
function isTimezone(text: string): boolean {
  const known = zones.get(text);
  if (known !== undefined) return known;
  let isZone = /^[a-z]/i.test(text);
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
  } catch {
    isZone = false;
  }
  // A list of a million people has a few hundred zones; a list of nonsense must not fill the memory.
  if (zones.size < 1_000) zones.set(text, isZone);
  return isZone;
}

function faultOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
}
