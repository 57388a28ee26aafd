import { type Logger, pino } from 'pino';
import type { Config, Secrets } from '../config/config.ts';
import { type Database, openDatabase } from '../platform/db/database.ts';
import { Lifetime } from '../platform/lifetime.ts';
import { closeFolder } from '../platform/private-folder.ts';
import { openQueue } from '../platform/queue/job-queue.ts';
import { type Limiter, openLimiter } from '../platform/queue/limiter.ts';
import { openOutboxProvider } from '../providers/outbox/outbox.ts';
import type { Mailer, Provider, Webhook } from '../providers/port.ts';
import { openResendProvider } from '../providers/resend/open-provider.ts';
import { expireAllLeases } from '../sending/batches/batch-store.ts';
import { createSubmitter, type Submitter } from '../sending/submit.ts';
import { createMailSender, type MailSender } from '../sending/transactional/send-transactional-email.ts';
import { releaseGatherLock } from '../sources/source-store.ts';
import { stopReading } from '../sources/thread/thread.ts';
import {
  createDomainCheck,
  type Dns,
  type DomainCheck,
  systemDns,
} from '../subscribers/sign-up/reputation.ts';
import type { WeekContext } from '../workflow/week-context.ts';
import { mailRequestHandlers } from './mail-request-handlers.ts';

/**
 * The composition root: the parts, wired once, in the order in which they need each other. Importing
 * this file starts nothing; {@link createApp} opens what the settings name, and disposing the App
 * closes it in reverse.
 */
export interface App extends WeekContext, AsyncDisposable {
  database: Database;
  limiter: Limiter;
  checkDomain: DomainCheck;
  /** Whether this process has what it takes to send; one that has not asks others to. */
  canSend: boolean;
  /** Requests a second that issues may make to the provider; null: it has no such limit. */
  pace: number | null;
  /** Where the outbox can be browsed, or null when mail leaves the machine. */
  outboxDir: string | null;
  /** How the provider reports events to us; null where it reports none, or to nobody. */
  webhook: Webhook | null;
  submit: Submitter;
  sendMail: MailSender;
}

/** Single parts to put in place of the real ones: what a test replaces is named here, not mocked. */
export interface Overrides {
  clock?: () => Date;
  logger?: Logger;
  mailer?: Mailer;
  dns?: Dns;
  /** Where {@link App.showSignInLink} writes to. */
  terminal?: (link: string) => void;
}

/** @throws AppError whatever opening the database, the queue or the mailer throws. */
export async function createApp(config: Config, secrets: Secrets, overrides: Overrides = {}): Promise<App> {
  const lifetime = new Lifetime();
  try {
    const clock = overrides.clock ?? (() => new Date());
    const logger = overrides.logger ?? createLogger(config.logLevel);
    const { databaseUrl, redisUrl, secretKeys } = secrets;

    // It starts when something is read.
    lifetime.defer(stopReading);
    // On a server the folder may hold an outbox or a preview of the time before.
    closeFolder(config.dataDir);
    const database = lifetime.use(await openDatabase({ databaseUrl, dataDir: config.dataDir }));
    // Alone on this database: whoever held a lease or a job is gone, so nobody need wait for it to end.
    const isAlone = database.backend === 'embedded';
    if (isAlone) {
      await expireAllLeases(database.kysely);
      await releaseGatherLock(database.kysely);
    }

    const pool = database.queuePool();
    const onDisturbance = (error: Error) => logger.warn({ err: error }, 'the queue is disturbed');
    const queue = lifetime.use(
      await openQueue(redisUrl === undefined ? { pool } : { redisUrl }, onDisturbance),
    );
    if (isAlone) await queue.reclaim();
    const limiter = lifetime.use(openLimiter({ redisUrl, pool }));
    let allowed = config.resend.rate;
    /** What the account may ask lowers the pace of issues, for all processes; more than was set is never asked. */
    const onLimit = (perSecond: number) => {
      const now = Math.min(perSecond, config.resend.rate);
      if (now === allowed) return;
      allowed = now;
      logger.info({ perSecond: now }, 'the provider says how many requests it takes a second');
      queue.pace(paceOf(now)).catch((error) => logger.warn({ err: error }, 'the pace could not be changed'));
    };
    /** Every provider there is, by the value of MAILER. */
    const providers: Record<Config['mailer'], () => Provider | Promise<Provider>> = {
      outbox: () => openOutboxProvider(config.dataDir, clock),
      resend: () =>
        openResendProvider({
          ...config.resend,
          apiKey: overrides.mailer === undefined ? secrets.resendApiKey : undefined,
          webhookSecrets: secrets.resendWebhookSecrets,
          clock,
          onLimit,
        }),
    };
    const opened = await providers[config.mailer]();
    const provider: Provider =
      overrides.mailer === undefined
        ? opened
        : { ...opened, mailer: overrides.mailer, canSend: true, rate: null, browsable: null };
    const { mailer } = provider;
    if (Symbol.asyncDispose in mailer) lifetime.use(mailer as AsyncDisposable);

    return {
      config,
      keys: secretKeys,
      logger,
      database,
      db: database.kysely,
      queue,
      limiter,
      checkDomain: createDomainCheck(overrides.dns ?? systemDns()),
      mailer,
      canSend: provider.canSend,
      pace: provider.rate === null ? null : paceOf(provider.rate),
      outboxDir: provider.browsable,
      webhook: provider.webhook,
      mailRequestHandlers: (onSignInLink) =>
        mailRequestHandlers({ keys: secretKeys, editors: config.editors, onSignInLink }),
      showSignInLink: (provider.browsable !== null && overrides.terminal) || null,
      events: eventsOf(config),
      clock,
      submit: createSubmitter(database.kysely, mailer, secretKeys),
      sendMail: createMailSender(database.kysely, mailer, secretKeys, {
        from: config.mail.fromTransactional,
        replyTo: config.mail.replyTo,
        newsletter: {
          name: config.newsletterName,
          url: config.publicUrl,
          postalAddress: config.mail.postalAddress,
        },
      }),
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

/** What {@link App.events} is with these settings. */
export function eventsOf({ mailer, takesEvents }: Pick<Config, 'mailer' | 'takesEvents'>): App['events'] {
  if (mailer === 'outbox') return 'none';
  return takesEvents ? 'taken' : 'unseen';
}

/** Of the requests that the provider takes in a second, what issues may have: one is left for a confirm mail. */
function paceOf(perSecond: number): number {
  return perSecond >= 3 ? perSecond - 1 : perSecond;
}

/**
 * JSON lines on stderr: stdout belongs to the commands. No address, token or key is ever passed to it
 * (I9); the redaction is for the day somebody forgets, and for PostgreSQL, which quotes the row at
 * fault in `detail`.
 */
function createLogger(level: Config['logLevel']): Logger {
  const fields = ['email', 'to', 'token', 'secret', 'password', 'authorization', 'cookie', 'detail', 'where'];
  return pino(
    { level, redact: { paths: fields.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' } },
    pino.destination({ fd: 2, sync: true }),
  );
}
