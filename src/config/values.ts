import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration, parseSchedule, type Schedule } from '../issues/slot.ts';
import { AppError, explain } from '../platform/errors.ts';
import { parseUrl } from '../platform/url.ts';
import type { Editor, Role } from './editors.ts';

/** The types that the settings are made of. */

export const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/** Without its full stop, as part of a list of problems. */
const problemOf = (error: unknown) => explain(error).replace(/\.$/, '');

/** Runs one of our parsers inside zod, so that its message is listed with all others. */
export const parsed = <T>(parse: (value: string) => T) =>
  z.string().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: problemOf(error) });
      return z.NEVER;
    }
  });

/** A list setting whose entries are read by one of our parsers. */
export const listOf = <T>(parse: (entry: string) => T) =>
  parsed((value) => list.parse(value).map(parse)).prefault('');

export const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an absolute http(s) URL' })
  .transform((url) => url.replace(/\/+$/, ''));

/** RFC 5322 mailbox, as `addr` or `Name <addr>`; no CR or LF may ever reach a header. */
export const mailbox = z
  .string()
  .regex(
    /^(?:[^<>\r\n]+ <[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
    'must be an address or Name <address>',
  );

export function parseOrigin(text: string): string {
  const url = parseUrl(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search + url.hash !== '')
    throw new AppError('bad-origin', `"${text}" is no origin; write https://site.example, with no path`);
  return url.origin;
}

const ROLES: readonly Role[] = ['editor', 'publisher'];

export function parseEditor(text: string): Editor {
  const [, email = '', role = 'editor'] = /^([^<>@\s:]+@[^<>@\s:]+)(?::(.*))?$/.exec(text) ?? [];
  const known = ROLES.find((each) => each === role);
  if (email === '' || known === undefined)
    throw new AppError(
      'bad-editor',
      `"${text}" is no editor; write desk@site.example:editor or chief@site.example:publisher`,
    );
  return { email: email.toLowerCase(), role: known };
}

/** An entry of `OPERATORS`. */
export function parseAddressee(text: string): string {
  if (!/^[^<>@\s:]+@[^<>@\s:]+$/.test(text))
    throw new AppError('bad-operator', `"${text}" is no address; write ops@site.example`);
  return text.toLowerCase();
}

export interface Hsts {
  /** Seconds. */
  maxAge: number;
  includeSubDomains: boolean;
  preload: boolean;
}

const YEAR_SECONDS = 31_536_000;

/** Strict-Transport-Security (RFC 6797); null: the header is not sent. */
export function parseHsts(text: string): Hsts | null {
  if (text === 'off') return null;
  const [first = '', ...rest] = (text === 'on' ? `max-age=${YEAR_SECONDS}` : text)
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const [, seconds] = /^max-age=(\d{1,10})$/.exec(first) ?? [];
  const known = ['includesubdomains', 'preload'];
  if (seconds === undefined || rest.some((part) => !known.includes(part)))
    throw new AppError(
      'bad-hsts',
      `"${text}" is none of off, on, max-age=86400, or max-age=31536000; includeSubDomains; preload`,
    );
  return {
    maxAge: Number(seconds),
    includeSubDomains: rest.includes('includesubdomains'),
    preload: rest.includes('preload'),
  };
}

const NAMED_NETWORKS = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Fastify's `trustProxy`: how many of our own proxies a request passes, or their addresses. */
export function parseTrustProxy(text: string): false | number | string[] {
  if (text === '' || text === '0') return false;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const entries = list.parse(text);
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const width = isIP(address) === 6 ? 128 : 32;
    const bitsFit = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
    if (!NAMED_NETWORKS.has(entry) && (isIP(address) === 0 || !bitsFit))
      throw new AppError(
        'bad-proxy',
        `"${entry}" is no network; write a number of proxies, or addresses like 10.0.0.0/8 or loopback`,
      );
  }
  return entries;
}

/**
 * SCHEDULE and TIMEZONE make one value. Each is parsed together with a valid other half, so that a problem is
 * listed under its own setting.
 */
export const parseTime = (text: string): Schedule => parseSchedule(text, 'UTC');
export const parseZone = (text: string): string => parseSchedule('Mon 00:00', text).zone;

const WEEK_MS = 7 * 24 * 3_600_000;

export function parseReviewLead(text: string): number {
  const ms = parseDuration(text);
  if (ms > WEEK_MS) throw new AppError('bad-duration', `"${text}" is longer than a week`);
  return ms;
}

/** How long data is kept after its use. */
export interface Retention {
  eventDays: number;
  gatherDays: number;
  /** From the day when the reader left. */
  evidenceMonths: number;
}

const RETENTION_KEYS = {
  events: ['eventDays', 'd'],
  gathers: ['gatherDays', 'd'],
  evidence: ['evidenceMonths', 'm'],
} as const;

/** An event about a message whose answer is awaited is tried again for a month. */
const MIN_EVENT_DAYS = 31;

/** "events:60d, evidence:24m"; what is not named has its default. */
export function parseRetention(text: string): Retention {
  const retention: Retention = { eventDays: 90, gatherDays: 90, evidenceMonths: 12 };
  for (const entry of list.parse(text)) {
    const [, name = '', count, unit] = /^(\w+):(\d{1,4})([dm])$/.exec(entry) ?? [];
    const key = Object.entries(RETENTION_KEYS).find(([each]) => each === name)?.[1];
    if (key === undefined || key[1] !== unit || Number(count) < 1)
      throw new AppError(
        'bad-retention',
        `"${entry}" is no time; write events:90d, gathers:90d or evidence:12m`,
      );
    retention[key[0]] = Number(count);
  }
  if (retention.eventDays < MIN_EVENT_DAYS)
    throw new AppError(
      'bad-retention',
      `an event may still say something about an issue for ${MIN_EVENT_DAYS} days; write events:${MIN_EVENT_DAYS}d or more`,
    );
  return retention;
}
