import { type Logger, pino } from 'pino';
import type { Config, Secrets } from '../config/config.ts';
import { createFaultLog, type FaultLog } from '../notices/fault-log.ts';
import { type Connection, type Database, openDatabase } from '../platform/db/database.ts';
import { injectedTime, openDatabaseTime } from '../platform/db/database-time.ts';
import { AppError } from '../platform/errors.ts';
import { Lifetime } from '../platform/lifetime.ts';
import { closeFolder } from '../platform/private-folder.ts';
import { openQueue } from '../platform/queue/job-queue.ts';
import { type Limiter, openLimiter } from '../platform/queue/limiter.ts';
import { logRepeated } from '../platform/repeated-log.ts';
import { openOutboxProvider } from '../providers/outbox/outbox.ts';
import type { Mailer, Provider, Webhook } from '../providers/port.ts';
import { openResendProvider } from '../providers/resend/open-provider.ts';
import { resendWebhook } from '../providers/resend/resend-webhook.ts';
import { stopRendering } from '../render/thread/rendering-thread.ts';
import { expireAllLeases } from '../sending/batches/batch-store.ts';
import { issueOfBatch, queueOwner } from '../sending/mark/mark-store.ts';
import { describeRestored, openSendingMark, type SendingMark } from '../sending/mark/sending-mark.ts';
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
import { createHeartbeat } from '../workflow/heartbeat.ts';
import type { WeekContext } from '../workflow/week-context.ts';
import { mailRequestHandlers } from './mail-request-handlers.ts';

/**
 * The composition root: creates the parts once, in the order of their dependencies. Importing this file starts
 * nothing; {@link createApp} opens the parts that the settings name, and disposing the App closes them in reverse
 * order.
 */
export interface App extends WeekContext, AsyncDisposable {
  database: Database;
  limiter: Limiter;
  checkDomain: DomainCheck;
  /** Whether this process can send; a process that cannot enqueues jobs for others. */
  canSend: boolean;
  /** How many requests a second issues may make to the provider; null: no limit. */
  pace: number | null;
  /** Directory of the outbox; null when mail leaves the machine. */
  outboxDir: string | null;
  /** How the provider reports events to us; null where it reports none, or to nobody. */
  webhook: Webhook | null;
  submit: Submitter;
  sendMail: MailSender;
}

/** Parts that replace the real ones: a test names what it replaces here, and mocks nothing. */
export interface Overrides {
  /** The time that decides, instead of the database's. */
  clock?: () => Date;
  /** This machine's clock, in ms. */
  machineClock?: () => number;
  logger?: Logger;
  mailer?: Mailer;
  dns?: Dns;
  /** Where {@link App.showSignInLink} prints to. */
  terminal?: (link: string) => void;
}

/** @throws AppError from opening the database, the queue or the mailer. */
export async function createApp(config: Config, secrets: Secrets, overrides: Overrides = {}): Promise<App> {
  const lifetime = new Lifetime();
  try {
    const logger = overrides.logger ?? createLogger(config.logLevel);
    const { databaseUrl, redisUrl, secretKeys, resendWebhookSecrets: webhookSecrets } = secrets;

    // The threads start on first use.
    lifetime.defer(stopReading);
    lifetime.defer(stopRendering);
    // On a server the folder may still hold an outbox or a preview from an earlier configuration.
    closeFolder(config.dataDir);
    let faults: FaultLog | undefined;
    const database = lifetime.use(
      await openDatabase({
        ...{ databaseUrl, dataDir: config.dataDir, timeouts: config.databaseTimeouts },
        onError: (error) => faults?.note(error),
      }),
    );
    // No other process uses this database: a process that held a lease or a job is gone, so there is no need to wait
    // for expiry.
    const time = overrides.clock
      ? injectedTime(overrides.clock)
      : await openDatabaseTime(database.kysely, overrides.machineClock);
    const clock = time.now;
    const comparing = setInterval(() => {
      // While the database is away, the last measurement holds.
      time.measure().catch(() => {});
    }, COMPARE_CLOCKS_MS);
    comparing.unref();
    lifetime.defer(() => clearInterval(comparing));
    const isAlone = database.backend === 'embedded';
    if (isAlone) {
      await expireAllLeases(database.kysely);
      await releaseGatherLock(database.kysely);
    }

    if (database.pooler === 'transaction' && redisUrl === undefined) {
      throw new AppError(
        'pooler-needs-redis',
        'The queue in the database needs sessions of its own, and the pooler of DATABASE_URL has none.',
        { help: 'Set REDIS_URL, or the pool_mode to session, or connect to PostgreSQL directly.' },
      );
    }
    const pool = database.queuePool();
    const owner = await queueOwner(database.kysely);
    const logQueueError = logRepeated((error, times) =>
      logger.warn({ err: error, times }, 'the queue reports an error'),
    );
    const onQueueError = (error: Error) => {
      logQueueError(error);
      faults?.note(error);
    };
    const queue = lifetime.use(
      await openQueue(redisUrl === undefined ? { pool } : { redisUrl, owner }, onQueueError),
    );
    faults = createFaultLog({
      db: database.kysely,
      probeQueue: () => queue.probe(),
      embeddedDir: isAlone ? config.dataDir : null,
    });
    if (isAlone) await queue.reclaim();
    const mark = await openSendingMark(
      database.kysely,
      { dataDir: config.dataDir, shared: queue.shared },
      (error) =>
        logger.error(
          { err: error },
          'the mark of what is mailed cannot be written outside of the database: a restored backup would not be noticed',
        ),
    );
    const restored = await mark.check();
    if (restored !== null) logger.error(describeRestored(restored));
    const limiter = lifetime.use(openLimiter({ redisUrl, owner, pool }));
    let allowed = config.resend.rate;
    /**
     * A lower limit of the account lowers the pace of issues, for all processes; it never raises it above the
     * setting.
     */
    const onLimit = (perSecond: number) => {
      const now = Math.min(perSecond, config.resend.rate);
      if (now === allowed) return;
      allowed = now;
      logger.info({ perSecond: now }, 'the provider reported its rate limit');
      queue.pace(paceOf(now)).catch((error) => logger.warn({ err: error }, 'the pace could not be changed'));
    };
    /** Every provider there is, by the value of MAILER. */
    const providers: Record<Config['mailer'], () => Provider | Promise<Provider>> = {
      outbox: async () => ({
        ...(await openOutboxProvider(config.dataDir, clock)),
        // Mail that went out through Resend before is still reported.
        webhook: webhookSecrets.length > 0 ? resendWebhook(webhookSecrets, clock) : null,
      }),
      resend: () =>
        openResendProvider({
          ...config.resend,
          apiKey: overrides.mailer === undefined ? secrets.resendApiKey : undefined,
          webhookSecrets,
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
      faults,
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
      beat: createHeartbeat(secrets.heartbeatUrl, logger),
      time,
      mark,
      submit: markingSubmitter(createSubmitter(database.kysely, mailer, secretKeys), mark, database.kysely),
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

/** Marks outside of the database that something is mailed, before it is. */
function markingSubmitter(submit: Submitter, mark: SendingMark, db: Connection): Submitter {
  return async (batchId) => {
    const reason = await mark.advance({ batchId });
    if (reason === null) return submit(batchId);
    const issueId = await issueOfBatch(db, batchId);
    return issueId === undefined ? { kind: 'unavailable' } : { kind: 'halted', issueId, reason };
  };
}

/** Derives {@link App.events} from the settings. */
export function eventsOf({ mailer, takesEvents }: Pick<Config, 'mailer' | 'takesEvents'>): App['events'] {
  if (mailer === 'outbox') return 'none';
  return takesEvents ? 'taken' : 'unseen';
}

/** How often this machine's clock is compared with the database's. */
const COMPARE_CLOCKS_MS = 60_000;

/** How many of the provider's requests per second issues may use: one is reserved for confirm mails. */
function paceOf(perSecond: number): number {
  return perSecond >= 3 ? perSecond - 1 : perSecond;
}

/**
 * Logs JSON lines to stderr: stdout belongs to the commands. Callers never pass an address, token or key (I9);
 * redaction is a second defence, and for PostgreSQL, which quotes the failing row in `detail`.
 */
function createLogger(level: Config['logLevel']): Logger {
  const fields = ['email', 'to', 'token', 'secret', 'password', 'authorization', 'cookie', 'detail', 'where'];
  return pino(
    { level, redact: { paths: fields.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' } },
    pino.destination({ fd: 2, sync: true }),
  );
}
