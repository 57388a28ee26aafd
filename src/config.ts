import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { AppError, explain } from './errors.ts';
import { parseDuration, parseSchedule, type Schedule } from './issues/index.ts';
import { parseSource, type Source } from './sources/index.ts';

/** The real one. Whoever mails through it mails real people. */
export const RESEND_URL = 'https://api.resend.com';

/**
 * env → Config and Secrets. The schema is the one list of settings (DESIGN §9); a test keeps
 * `.env.example` equal to it. Everything derived from a setting is derived here, once, so that the
 * rest of the program never sees a string that could still be wrong.
 */

const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/** As part of a list of problems, which ends with the full stop. */
const problemOf = (error: unknown) => explain(error).replace(/\.$/, '');

/** Runs a parser of ours inside zod, so that its message is listed with all the others. */
const parsed = <T>(parse: (value: string) => T) =>
  z.string().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: problemOf(error) });
      return z.NEVER;
    }
  });

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an absolute http(s) URL' })
  .transform((url) => url.replace(/\/+$/, ''));

/** RFC 5322 mailbox, as `addr` or `Name <addr>`; no CR or LF may ever reach a header. */
const mailbox = z
  .string()
  .regex(
    /^(?:[^<>\r\n]+ <[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
    'must be an address or Name <address>',
  );

/** A list setting whose every entry a parser of ours reads. */
const listOf = <T>(parse: (entry: string) => T) =>
  parsed((value) => list.parse(value).map(parse)).prefault('');

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search + url.hash !== ''
  )
    throw new AppError('bad-origin', `"${text}" is no origin; write https://site.example, with no path`);
  return url.origin;
}

const ROLES = ['editor', 'publisher'] as const;

/** Who may sign in to the desk; only a publisher approves, sends, pauses and cancels. */
export interface Editor {
  /** Lower case. */
  email: string;
  role: (typeof ROLES)[number];
}

function parseEditor(text: string): Editor {
  const [, email = '', role = 'editor'] = /^([^<>@\s:]+@[^<>@\s:]+)(?::(.*))?$/.exec(text) ?? [];
  const known = ROLES.find((each) => each === role);
  if (email === '' || known === undefined)
    throw new AppError(
      'bad-editor',
      `"${text}" is no editor; write desk@site.example:editor or chief@site.example:publisher`,
    );
  return { email: email.toLowerCase(), role: known };
}

/** Fastify's `trustProxy`: how many proxies of ours a request passes, or their addresses. */
function parseTrustProxy(text: string): false | number | string[] {
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

const NAMED_NETWORKS = new Set(['loopback', 'linklocal', 'uniquelocal']);

const WEEK_MS = 7 * 24 * 3_600_000;

function reviewLead(text: string): number {
  const ms = parseDuration(text, 'REVIEW_LEAD');
  if (ms > WEEK_MS) throw new AppError('bad-duration', `REVIEW_LEAD "${text}" is longer than a week`);
  return ms;
}

export const settingsSchema = z.object({
  DATA_DIR: z.string().default('./var').describe('Embedded database, outbox and the secret made for it.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .describe('PostgreSQL 14 or newer. Empty: PGlite under DATA_DIR.'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// URL' })
    .optional()
    .describe('Redis 6.2 or newer, maxmemory-policy noeviction. Empty: the queue lives in the database.'),
  PUBLIC_URL: baseUrl
    .prefault('http://localhost:3000')
    .describe(
      'Where readers reach this installation; links in mail start with it. Empty: localhost at PORT.',
    ),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  PORT: z.coerce
    .number({ error: 'must be a port number' })
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('Port to listen on.'),
  SECRET_KEY: list
    .superRefine((keys, context) => {
      for (const [index, key] of keys.entries()) {
        if (key.length < 32) context.addIssue(`key ${index + 1} is shorter than 32 characters`);
      }
    })
    .describe(
      'Signs links in mail. Made and kept in DATA_DIR on the embedded default. Comma-separated: the first signs, all verify.',
    ),
  RESEND_API_KEY: z
    .string()
    .regex(/^\S+$/, 'must not have blanks')
    .optional()
    .describe(
      'Mail goes out through Resend. Empty: nothing leaves the machine, mail is kept under DATA_DIR.',
    ),
  RESEND_BASE_URL: baseUrl.prefault(RESEND_URL).describe('Where Resend answers; another for tests.'),
  RESEND_WEBHOOK_SECRET: list
    .superRefine((secrets, context) => {
      for (const [index, secret] of secrets.entries()) {
        if (!/^whsec_[\w+/]+={0,2}$/.test(secret))
          context.addIssue(`secret ${index + 1} does not begin with whsec_`);
      }
    })
    .describe('Signs the events that Resend posts to /webhooks/resend. Empty: there is no such address.'),
  RESEND_RATE: z.coerce
    .number({ error: 'must be a number of requests a second' })
    .min(0.1)
    .max(1_000)
    .default(10)
    .describe('Requests a second to Resend, of all workers together; what its answers allow lowers it.'),
  MAIL_FROM: mailbox
    .default('Weekly AI Tool Verdicts <digest@verdicts.example>')
    .describe('Sender of issues.'),
  MAIL_FROM_TRANSACTIONAL: mailbox
    .default('Weekly AI Tool Verdicts <hello@verdicts.example>')
    .describe('Sender of confirm mails and the like; providers want another address than that of issues.'),
  MAIL_REPLY_TO: mailbox.optional().describe('Where replies go. Empty: MAIL_FROM.'),
  POSTAL_ADDRESS: z
    .string()
    .default('')
    .transform((value) => value.replace(/\s*[\r\n]+\s*/g, ', ').trim())
    .describe('Physical address printed in every issue. Empty: no issue can be approved.'),
  NEWSLETTER_NAME: z
    .string()
    .min(1)
    .max(80)
    .regex(/^[^\r\n]+$/, 'must be one line')
    .default('Weekly AI Tool Verdicts')
    .describe('Name of the newsletter.'),
  SCHEDULE: z.string().default('Tue 09:00').describe('Weekday and local time an issue is due.'),
  TIMEZONE: z.string().default('UTC').describe('IANA zone of SCHEDULE.'),
  REVIEW_LEAD: parsed(reviewLead)
    .prefault('24h')
    .describe('How long before the slot the draft is made: 90m, 24h, 2d.'),
  APPROVAL: z
    .enum(['required', 'auto'])
    .default('required')
    .describe('auto sends a draft that passes its checks without an editor.'),
  ISSUE_TEMPLATE: z
    .enum(['react:digest', 'mjml:digest'])
    .default('react:digest')
    .describe('Template of new issues.'),
  ISSUE_MIN_COMPARISONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(1)
    .describe('Fewer new comparisons than this: the slot is skipped.'),
  SOURCES: parsed((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parseSource),
  )
    .prefault('')
    .describe('Comma-separated: folder:PATH, feed:URL, site:URL. See docs/sources.md.'),
  ALLOW_PRIVATE_SOURCES: z
    .enum(['0', '1'])
    .default('0')
    .describe('With 1, sources may be at private addresses, as a site on the same network is.'),
  API_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]+=*$/, 'must be letters, digits and -._~+/ only')
    .min(32, 'is shorter than 32 characters; try `openssl rand -hex 32`')
    .optional()
    .describe('Bearer token for POST /api/comparisons. Empty: there is no such address.'),
  EDITORS: listOf(parseEditor).describe(
    'Who may open the desk, comma-separated: chief@example.org:publisher, desk@example.org:editor. Empty: nobody.',
  ),
  EMBED_ORIGINS: listOf(parseOrigin).describe(
    'Other sites that may carry the sign-up form, comma-separated: https://site.example. Empty: none.',
  ),
  PRIVACY_URL: z
    .url({ protocol: /^https?$/, error: 'must be an absolute http(s) URL' })
    .optional()
    .describe('The privacy note that the sign-up form links to. Empty: no link.'),
  PRIVACY_VERSION: z
    .string()
    .max(100)
    .optional()
    .describe(
      'Which version of that note it is, for the consent log, like 2026-11; change it with the note.',
    ),
  TURNSTILE_SITE_KEY: z
    .string()
    .optional()
    .describe('Shows a Turnstile challenge in the sign-up form; needs TURNSTILE_SECRET_KEY.'),
  TURNSTILE_SECRET_KEY: z
    .string()
    .optional()
    .describe('Verifies the challenge with Turnstile; needs TURNSTILE_SITE_KEY.'),
  TURNSTILE_URL: baseUrl
    .prefault('https://challenges.cloudflare.com/turnstile/v0/siteverify')
    .describe('Where Turnstile answers; another for tests.'),
  TRUST_PROXY: parsed(parseTrustProxy)
    .prefault('')
    .describe(
      'Whose X-Forwarded-For is believed: networks like 10.0.0.0/8, or a number of proxies if nobody can reach us around them. Empty: nobody.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Log lines go to stderr as JSON.'),
});

export type Settings = z.infer<typeof settingsSchema>;

/** Everything that may be printed and logged. */
export interface Config {
  dataDir: string;
  database: 'embedded' | 'postgres';
  queue: 'database' | 'redis';
  publicUrl: string;
  host: string;
  port: number;
  mail: { from: string; fromTransactional: string; replyTo: string; postalAddress: string };
  resend: {
    baseUrl: string;
    /** Requests a second, of all workers together. */
    rate: number;
  };
  newsletterName: string;
  schedule: Schedule;
  reviewLeadMs: number;
  approval: Settings['APPROVAL'];
  template: Settings['ISSUE_TEMPLATE'];
  minComparisons: number;
  sources: Source[];
  /** Sources on the web may be at private, local and link-local addresses. */
  allowPrivateSources: boolean;
  editors: Editor[];
  /** Origins of other sites that may carry the sign-up form. */
  embedOrigins: string[];
  /** What the sign-up form links to; null: nothing. */
  privacy: { url: string; version: string | null } | null;
  /** Where to verify the challenge of the sign-up form, and its public key; null: it has none. */
  turnstile: { url: string; siteKey: string } | null;
  /** Fastify's `trustProxy`. */
  trustProxy: false | number | string[];
  logLevel: Settings['LOG_LEVEL'];
}

/** What must never be printed: connection strings carry passwords, keys sign links. */
export interface Secrets {
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** At least one; the first signs, all verify. */
  secretKeys: [string, ...string[]];
  /** Whoever sends it may push comparisons; undefined: nobody may. */
  apiToken: string | undefined;
  /** undefined: mail stays on this machine. */
  resendApiKey: string | undefined;
  /** Any one verifies; empty: no events are taken. */
  resendWebhookSecrets: string[];
  turnstileSecretKey: string | undefined;
}

/**
 * Reads settings from `env`. An empty value counts as not set.
 * @throws AppError `config-invalid` listing every problem at once.
 */
export function loadConfig(env: Record<string, string | undefined>): { config: Config; secrets: Secrets } {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = settingsSchema.safeParse(given);
  const problems = result.success
    ? []
    : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);

  const schedule = parseScheduleOf(given, problems);
  problems.push(...contradictions(given));
  if (!result.success || schedule === undefined || problems.length > 0) {
    throw new AppError('config-invalid', `Settings are wrong: ${problems.join('; ')}.`, {
      help: 'See .env.example for every setting.',
    });
  }

  const settings = result.data;
  const dataDir = path.resolve(settings.DATA_DIR);
  return {
    config: {
      dataDir,
      database: settings.DATABASE_URL === undefined ? 'embedded' : 'postgres',
      queue: settings.REDIS_URL === undefined ? 'database' : 'redis',
      publicUrl: given.PUBLIC_URL === undefined ? `http://localhost:${settings.PORT}` : settings.PUBLIC_URL,
      host: settings.HOST,
      port: settings.PORT,
      mail: {
        from: settings.MAIL_FROM,
        fromTransactional: settings.MAIL_FROM_TRANSACTIONAL,
        replyTo: settings.MAIL_REPLY_TO ?? settings.MAIL_FROM,
        postalAddress: settings.POSTAL_ADDRESS,
      },
      resend: { baseUrl: settings.RESEND_BASE_URL, rate: settings.RESEND_RATE },
      newsletterName: settings.NEWSLETTER_NAME,
      schedule,
      reviewLeadMs: settings.REVIEW_LEAD,
      approval: settings.APPROVAL,
      template: settings.ISSUE_TEMPLATE,
      minComparisons: settings.ISSUE_MIN_COMPARISONS,
      sources: settings.SOURCES,
      allowPrivateSources: settings.ALLOW_PRIVATE_SOURCES === '1',
      editors: settings.EDITORS,
      embedOrigins: settings.EMBED_ORIGINS,
      privacy:
        settings.PRIVACY_URL === undefined
          ? null
          : { url: settings.PRIVACY_URL, version: settings.PRIVACY_VERSION ?? null },
      turnstile:
        settings.TURNSTILE_SITE_KEY === undefined
          ? null
          : { url: settings.TURNSTILE_URL, siteKey: settings.TURNSTILE_SITE_KEY },
      trustProxy: settings.TRUST_PROXY,
      logLevel: settings.LOG_LEVEL,
    },
    secrets: {
      databaseUrl: settings.DATABASE_URL,
      redisUrl: settings.REDIS_URL,
      secretKeys: keysOf(settings, dataDir),
      apiToken: settings.API_TOKEN,
      resendApiKey: settings.RESEND_API_KEY,
      resendWebhookSecrets: settings.RESEND_WEBHOOK_SECRET,
      turnstileSecretKey: settings.TURNSTILE_SECRET_KEY,
    },
  };
}

/** What each setting may be alone, and not together. */
function contradictions(given: Record<string, string | undefined>): string[] {
  const problems: string[] = [];
  if (given.DATABASE_URL !== undefined && list.parse(given.SECRET_KEY).length === 0) {
    problems.push(
      'SECRET_KEY: is required with DATABASE_URL, because every process must sign links with the same key; try `openssl rand -base64 32`',
    );
  }
  if ((given.TURNSTILE_SITE_KEY === undefined) !== (given.TURNSTILE_SECRET_KEY === undefined)) {
    const missing = given.TURNSTILE_SITE_KEY === undefined ? 'TURNSTILE_SITE_KEY' : 'TURNSTILE_SECRET_KEY';
    problems.push(`${missing}: is missing; a challenge has two keys`);
  }
  if (given.RESEND_API_KEY !== undefined && (given.RESEND_BASE_URL ?? RESEND_URL) === RESEND_URL) {
    for (const name of ['MAIL_FROM', 'MAIL_FROM_TRANSACTIONAL']) {
      if (given[name] === undefined)
        problems.push(`${name}: is required with RESEND_API_KEY, at a domain that Resend has verified`);
    }
  }
  return problems;
}

/** SCHEDULE and TIMEZONE make one value; a fault in either is listed under the setting it belongs to. */
function parseScheduleOf(
  given: Record<string, string | undefined>,
  problems: string[],
): Schedule | undefined {
  const { SCHEDULE = 'Tue 09:00', TIMEZONE = 'UTC' } = given;
  const before = problems.length;
  for (const [schedule, timezone] of [
    [SCHEDULE, 'UTC'],
    ['Mon 00:00', TIMEZONE],
  ] as const) {
    try {
      parseSchedule(schedule, timezone);
    } catch (error) {
      problems.push(problemOf(error));
    }
  }
  return problems.length === before ? parseSchedule(SCHEDULE, TIMEZONE) : undefined;
}

/** The embedded default makes its own key on first use, readable by its owner only, and keeps it. */
function keysOf(settings: Settings, dataDir: string): [string, ...string[]] {
  const [first, ...rest] = settings.SECRET_KEY;
  if (first !== undefined) return [first, ...rest];
  const file = path.join(dataDir, 'secret.key');
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    // Written aside and linked, so that a crash never leaves half a key; the first link wins.
    const aside = `${file}.${process.pid}`;
    writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    try {
      linkSync(aside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(aside);
    }
  }
  return [readFileSync(file, 'utf8').trim()];
}
