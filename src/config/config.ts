import path from 'node:path';
import type { Schedule } from '../issues/slot.ts';
import { type Timeouts, WORK_TIMEOUTS } from '../platform/db/timeouts.ts';
import { AppError } from '../platform/errors.ts';
import type { Source } from '../sources/gather.ts';
import { canHavePasskeys, type Editor, type PasskeyPolicy } from './editors.ts';
import { secretKeys } from './secret-key.ts';
import { RESEND_URL, type Settings, settingsSchema } from './settings.ts';
import { baseUrl, list } from './values.ts';

/**
 * env → Config and Secrets. Every value that is derived from a setting is derived here, once, so that the rest of
 * the program never sees an unchecked string.
 */

/** Settings that may be printed and logged. */
export interface Config {
  dataDir: string;
  database: 'embedded' | 'postgres';
  /** Of jobs and commands. */
  databaseTimeouts: Timeouts;
  queue: 'database' | 'redis';
  publicUrl: string;
  host: string;
  port: number;
  mail: { from: string; fromTransactional: string; replyTo: string; postalAddress: string };
  /** Where mail goes. With `resend`, another process may hold the key and send it. */
  mailer: 'resend' | 'outbox';
  /** Whether events of Resend are received, here or by another process. */
  takesEvents: boolean;
  resend: {
    baseUrl: string;
    /** Requests per second of all workers together. */
    rate: number;
  };
  newsletterName: string;
  schedule: Schedule;
  reviewLeadMs: number;
  approval: Settings['APPROVAL'];
  template: Settings['ISSUE_TEMPLATE'];
  minComparisons: number;
  /** How many comparisons of an issue have a card, the lead included. */
  cards: number;
  /** When the page of a comparison becomes public. */
  publish: Settings['PUBLISH'];
  sources: Source[];
  /** Whether web sources may have private, local and link-local addresses. */
  allowPrivateSources: boolean;
  editors: Editor[];
  /** Who is mailed about what needs a person: lower case, each once. */
  operators: string[];
  /** Whether the desk has a second factor, and whether publishers must use it. */
  passkeys: PasskeyPolicy;
  /** Origins of other sites that may carry the sign-up form. */
  embedOrigins: string[];
  /** The privacy note that the sign-up form links to; null: none. */
  privacy: { url: string; version: string | null } | null;
  /** Where to verify the challenge of the sign-up form, and its public key; null: no challenge. */
  turnstile: { url: string; siteKey: string } | null;
  /** Strict-Transport-Security; null: it is not sent. */
  hsts: Settings['HSTS'];
  /** Fastify's `trustProxy`. */
  trustProxy: false | number | string[];
  metrics: {
    readers: Settings['METRICS'];
    /** Port for `local`. */
    port: number;
  };
  outbox: { access: Settings['OUTBOX']; days: number };
  retention: Settings['RETENTION'];
  /** Whether `/docs` and `/openapi.json` exist. */
  docs: boolean;
  logLevel: Settings['LOG_LEVEL'];
}

/** Settings that must never be printed: connection strings carry passwords, keys sign links. */
export interface Secrets {
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** At least one; the first signs, all verify. */
  secretKeys: [string, ...string[]];
  /** Token for pushing comparisons; undefined: pushing is off. */
  apiToken: string | undefined;
  /** Token for reading the metrics; undefined: no token works. */
  metricsToken: string | undefined;
  /** undefined: mail stays on this machine. */
  resendApiKey: string | undefined;
  /** An event must match one of them; empty: no events are received. */
  resendWebhookSecrets: string[];
  turnstileSecretKey: string | undefined;
  /** Who knows it can pretend that all is well; undefined: there is none. */
  heartbeatUrl: string | undefined;
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

  problems.push(...findContradictions(given));
  if (!result.success || problems.length > 0) throw invalid(problems);

  const settings = result.data;
  const dataDir = path.resolve(settings.DATA_DIR);
  return {
    config: {
      dataDir,
      database: settings.DATABASE_URL === undefined ? 'embedded' : 'postgres',
      databaseTimeouts: {
        ...WORK_TIMEOUTS,
        lockMs: settings.DATABASE_LOCK_TIMEOUT * 1_000,
        statementMs: settings.DATABASE_STATEMENT_TIMEOUT * 1_000,
      },
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
      mailer: settings.MAILER ?? (settings.RESEND_API_KEY === undefined ? 'outbox' : 'resend'),
      takesEvents: settings.RESEND_WEBHOOK_SECRET.length > 0 || settings.MAIL_EVENTS === 'taken',
      resend: { baseUrl: settings.RESEND_BASE_URL, rate: settings.RESEND_RATE },
      newsletterName: settings.NEWSLETTER_NAME,
      schedule: { ...settings.SCHEDULE, zone: settings.TIMEZONE },
      reviewLeadMs: settings.REVIEW_LEAD,
      approval: settings.APPROVAL,
      template: settings.ISSUE_TEMPLATE,
      minComparisons: settings.ISSUE_MIN_COMPARISONS,
      cards: settings.CARDS,
      publish: settings.PUBLISH,
      sources: settings.SOURCES,
      allowPrivateSources: settings.ALLOW_PRIVATE_SOURCES === '1',
      editors: settings.EDITORS,
      operators:
        settings.OPERATORS.length > 0
          ? settings.OPERATORS
          : settings.EDITORS.filter(({ role }) => role === 'publisher').map(({ email }) => email),
      passkeys: settings.DESK_PASSKEYS,
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
      hsts: settings.HSTS,
      metrics: { readers: settings.METRICS, port: settings.METRICS_PORT },
      outbox: { access: settings.OUTBOX, days: settings.OUTBOX_DAYS },
      retention: settings.RETENTION,
      docs: settings.DOCS === 'on',
      logLevel: settings.LOG_LEVEL,
    },
    secrets: {
      databaseUrl: settings.DATABASE_URL,
      redisUrl: settings.REDIS_URL,
      secretKeys: secretKeys(settings.SECRET_KEY, dataDir),
      apiToken: settings.API_TOKEN,
      metricsToken: settings.METRICS_TOKEN,
      resendApiKey: settings.RESEND_API_KEY,
      resendWebhookSecrets: settings.RESEND_WEBHOOK_SECRET,
      turnstileSecretKey: settings.TURNSTILE_SECRET_KEY,
      heartbeatUrl: settings.HEARTBEAT_URL,
    },
  };
}

/** The settings that `migrate` needs: no key, and no secret of any other part. */
export interface DatabaseSettings {
  dataDir: string;
  /** undefined: the embedded database. */
  databaseUrl: string | undefined;
  /** Connects as the role that owns the tables; undefined: there is only one role. */
  ownerUrl: string | undefined;
  /** Whether the queue is in the database too. */
  queueIsHere: boolean;
}

/** @throws AppError `config-invalid`. */
export function loadDatabaseSettings(env: Record<string, string | undefined>): DatabaseSettings {
  const ownerUrl = readSetting(env, 'MIGRATE_DATABASE_URL');
  const databaseUrl = readSetting(env, 'DATABASE_URL');
  const problems = findRoleConflicts(databaseUrl, ownerUrl);
  if (problems.length > 0) throw invalid(problems);
  return {
    dataDir: readSetting(env, 'DATA_DIR'),
    databaseUrl,
    ownerUrl,
    queueIsHere: readSetting(env, 'REDIS_URL') === undefined,
  };
}

function findRoleConflicts(databaseUrl: string | undefined, ownerUrl: string | undefined): string[] {
  if (ownerUrl === undefined) return [];
  if (databaseUrl === undefined)
    return ['DATABASE_URL: is missing; MIGRATE_DATABASE_URL only brings its tables up to date'];
  const [worker, owner] = [databaseUrl, ownerUrl].map((url) => new URL(url).username);
  if (worker === '') return ['DATABASE_URL: names no role, and `migrate` must know which one works'];
  if (worker === owner)
    return [
      'MIGRATE_DATABASE_URL: names the role of DATABASE_URL; the one that owns the tables must be another',
    ];
  return [];
}

/**
 * Reads one setting alone, for a command that must create nothing, not even a key.
 * @throws AppError `config-invalid`.
 */
export function readSetting<Name extends keyof Settings>(
  env: Record<string, string | undefined>,
  name: Name,
): Settings[Name] {
  const result = settingsSchema.shape[name].safeParse(env[name] || undefined);
  if (result.success) return result.data as Settings[Name];
  throw invalid(result.error.issues.map(({ message }) => `${name}: ${message}`));
}

function invalid(problems: string[]): AppError {
  return new AppError('config-invalid', `Settings are wrong: ${problems.join('; ')}.`, {
    help: 'See .env.example for every setting.',
  });
}

/** Problems of settings that are valid alone but not together. */
function findContradictions(given: Record<string, string | undefined>): string[] {
  const problems = findRoleConflicts(given.DATABASE_URL, given.MIGRATE_DATABASE_URL);
  if (given.DATABASE_URL !== undefined && list.parse(given.SECRET_KEY).length === 0) {
    problems.push(
      'SECRET_KEY: is required with DATABASE_URL, because every process must sign links with the same key; try `openssl rand -base64 32`',
    );
  }
  if ((given.TURNSTILE_SITE_KEY === undefined) !== (given.TURNSTILE_SECRET_KEY === undefined)) {
    const missing = given.TURNSTILE_SITE_KEY === undefined ? 'TURNSTILE_SITE_KEY' : 'TURNSTILE_SECRET_KEY';
    problems.push(`${missing}: is missing; a challenge has two keys`);
  }
  if (given.HSTS !== undefined && given.HSTS !== 'off' && !given.PUBLIC_URL?.startsWith('https:'))
    problems.push('HSTS: is no promise that a browser takes over http; it needs https in PUBLIC_URL');
  if (given.METRICS === 'token' && given.METRICS_TOKEN === undefined)
    problems.push('METRICS_TOKEN: is required with METRICS=token; try `openssl rand -hex 32`');
  if (given.METRICS !== 'token' && given.METRICS_TOKEN !== undefined)
    problems.push('METRICS: must be token for METRICS_TOKEN to be of use');
  if (given.PRIVACY_VERSION !== undefined && given.PRIVACY_URL === undefined)
    problems.push('PRIVACY_URL: is missing; PRIVACY_VERSION says which version of it readers saw');
  const publicUrl = baseUrl.safeParse(given.PUBLIC_URL).data;
  if (given.DESK_PASSKEYS === 'required' && publicUrl !== undefined && !canHavePasskeys(publicUrl))
    problems.push(
      'DESK_PASSKEYS: required needs a PUBLIC_URL where browsers make passkeys: https with a host name, or http://localhost',
    );
  const mailer = given.MAILER ?? (given.RESEND_API_KEY === undefined ? 'outbox' : 'resend');
  if (mailer === 'resend' && baseUrl.safeParse(given.RESEND_BASE_URL ?? RESEND_URL).data === RESEND_URL) {
    for (const name of ['MAIL_FROM', 'MAIL_FROM_TRANSACTIONAL']) {
      if (given[name] === undefined)
        problems.push(
          `${name}: is required with ${given.RESEND_API_KEY === undefined ? 'MAILER=resend' : 'RESEND_API_KEY'}, at a domain that Resend has verified`,
        );
    }
  }
  return problems;
}
