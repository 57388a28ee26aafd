import { z } from 'zod';
import { WORK_TIMEOUTS } from '../platform/db/timeouts.ts';
import { parseSource } from '../sources/gather.ts';
import { PASSKEY_POLICIES } from './editors.ts';
import {
  baseUrl,
  list,
  listOf,
  mailbox,
  parseAddressee,
  parsed,
  parseEditor,
  parseHsts,
  parseOrigin,
  parseRetention,
  parseReviewLead,
  parseTime,
  parseTrustProxy,
  parseZone,
} from './values.ts';

/** The real API: requests to it mail real people. */
export const RESEND_URL = 'https://api.resend.com';

/** All settings: name, type, default and the sentence that `.env.example` repeats (a test checks that they agree). */
export const settingsSchema = z.object({
  DATA_DIR: z.string().default('./var').describe('Embedded database, outbox and the secret made for it.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .describe('PostgreSQL 14 or newer. Empty: PGlite under DATA_DIR.'),
  DATABASE_LOCK_TIMEOUT: z.coerce
    .number({ error: 'must be a number of seconds' })
    .min(0.01)
    .max(3_600)
    .default(WORK_TIMEOUTS.lockMs / 1_000)
    .describe('How many seconds a job or command waits for a lock in the database.'),
  DATABASE_STATEMENT_TIMEOUT: z.coerce
    .number({ error: 'must be a number of seconds' })
    .min(0.01)
    .max(86_400)
    .default(WORK_TIMEOUTS.statementMs / 1_000)
    .describe(
      'How many seconds a statement of a job or command may take in the database; a migration has no limit.',
    ),
  MIGRATE_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .describe(
      'The same database as DATABASE_URL by the role that owns its tables, for `migrate` alone. Empty: DATABASE_URL owns and works.',
    ),
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
  MAILER: z
    .enum(['resend', 'outbox'])
    .optional()
    .describe(
      'resend: a process without RESEND_API_KEY, as a web server, knows that workers send. outbox: nothing leaves. Empty: RESEND_API_KEY says which.',
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
  MAIL_EVENTS: z
    .enum(['taken'])
    .optional()
    .describe(
      'taken: a process without RESEND_WEBHOOK_SECRET, as a worker, knows that web servers take the events.',
    ),
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
  SCHEDULE: parsed(parseTime).prefault('Tue 09:00').describe('Weekday and local time an issue is due.'),
  TIMEZONE: parsed(parseZone).prefault('UTC').describe('IANA zone of SCHEDULE.'),
  REVIEW_LEAD: parsed(parseReviewLead)
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
  CARDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(12)
    .default(4)
    .describe('How many comparisons of an issue have a card, the lead included; the others have a row.'),
  PUBLISH: z
    .enum(['gathered', 'mailed'])
    .default('gathered')
    .describe(
      'When the page of a comparison becomes public: as soon as it is gathered, or once an issue with it was mailed.',
    ),
  SOURCES: listOf(parseSource).describe(
    'Comma-separated: folder:PATH, feed:URL, site:URL. See docs/sources.md.',
  ),
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
  OPERATORS: listOf(parseAddressee)
    .transform((addresses) => [...new Set(addresses)])
    .describe(
      'Who is mailed when something needs a person, comma-separated: ops@example.org. Empty: the publishers of EDITORS.',
    ),
  HEARTBEAT_URL: z
    .url({ protocol: /^https?$/, error: 'must be an absolute http(s) URL' })
    .optional()
    .describe(
      'A worker requests it every minute while all is well; a service behind it tells you when that stops. Empty: nothing is requested.',
    ),
  DESK_PASSKEYS: z
    .enum(PASSKEY_POLICIES)
    .default('optional')
    .describe(
      'Passkeys as a second factor at the desk. required: publishers must have used one to approve, send and the like.',
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
  METRICS: z
    .enum(['off', 'local', 'token'])
    .default('off')
    .describe(
      'Who may read /metrics: off is nobody, local is programs on this machine at METRICS_PORT, token is anybody who sends METRICS_TOKEN.',
    ),
  METRICS_PORT: z.coerce
    .number({ error: 'must be a port number' })
    .int()
    .min(0)
    .max(65_535)
    .default(9464)
    .describe('Port of METRICS=local, on the loopback address alone; one for each process.'),
  METRICS_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]+=*$/, 'must be letters, digits and -._~+/ only')
    .min(32, 'is shorter than 32 characters; try `openssl rand -hex 32`')
    .optional()
    .describe('Bearer token for GET /metrics with METRICS=token.'),
  OUTBOX: z
    .enum(['link', 'off'])
    .default('link')
    .describe(
      'Whether the mails that did not leave this machine can be browsed: link is by an address that serve prints, new at every start.',
    ),
  OUTBOX_DAYS: z.coerce
    .number({ error: 'must be a number of days' })
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('How many days the outbox keeps a mail.'),
  RETENTION: parsed(parseRetention)
    .prefault('')
    .describe(
      'How long data is kept, where it differs from events:90d, gathers:90d, evidence:12m. Evidence of a consent counts from the day its reader left.',
    ),
  DOCS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether /docs and /openapi.json describe the server to everybody.'),
  TRUST_PROXY: parsed(parseTrustProxy)
    .prefault('')
    .describe(
      'Whose X-Forwarded-For is believed: networks like 10.0.0.0/8, or a number of proxies if nobody can reach us around them. Empty: nobody.',
    ),
  HSTS: parsed(parseHsts)
    .prefault('off')
    .describe(
      'Whether browsers are told to use https only: off, on (a year), or as it is sent: max-age=86400; includeSubDomains binds every other host of the domain.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Log lines go to stderr as JSON.'),
});

export type Settings = z.infer<typeof settingsSchema>;
