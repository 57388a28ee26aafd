import type { Secrets } from '../config/config.ts';
import { listIssues } from '../issues/issue-store.ts';
import { countOpenNotices } from '../notices/notice-store.ts';
import { turnstile } from '../platform/http/challenge.ts';
import { createMetrics, type Metrics, type MetricValues } from '../platform/http/metrics.ts';
import { QUEUE_NAMES } from '../platform/queue/contracts.ts';
import { within } from '../platform/within.ts';
import { circuitState } from '../providers/circuit/circuit-store.ts';
import { countEvents } from '../sending/counters/counter-store.ts';
import { issueProgress, total } from '../sending/progress.ts';
import { failingDuties, reconciledAt } from '../workflow/duty-store.ts';
import { cachedHealth, checkHealth, type Health, QUEUE_PATIENCE_MS } from '../workflow/health.ts';
import type { App } from './app.ts';
import { contentActions, deskOf } from './desk-options.ts';
import { createServer } from './server.ts';

/** Connects an app to the public web server, and to the jobs that its visitors cause. */

/** Host names of this machine, as URLs spell them. */
export const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The metrics of this process; undefined when the settings let nobody read them. */
export function metricsOf(app: App): Metrics | undefined {
  return app.config.metrics.readers === 'off' ? undefined : createMetrics(() => readMetrics(app));
}

export interface Startup {
  /** The token in the address that opens the outbox; without it nobody may browse it. */
  outboxToken?: string;
  metrics?: Metrics | undefined;
}

/** The public web server of an app, not yet listening. */
export function publicServer(
  app: App,
  secrets: Secrets,
  { outboxToken, metrics }: Startup = {},
): ReturnType<typeof createServer> {
  const { config, logger } = app;
  return createServer({
    db: app.database.web,
    keys: app.keys,
    site: {
      publicUrl: config.publicUrl,
      newsletterName: config.newsletterName,
      postalAddress: config.mail.postalAddress,
      replyTo: config.mail.replyTo,
    },
    outbox:
      outboxToken === undefined || app.outboxDir === null
        ? null
        : { directory: app.outboxDir, token: outboxToken },
    apiToken: secrets.apiToken,
    webhook: app.webhook,
    onEvents: wakeUp(app, 'events'),
    clock: app.clock,
    enqueueMail: (mailId) => enqueueMail(app, mailId),
    onErased: wakeUp(app, 'clean_outbox'),
    desk: deskOf(app),
    onMailRequest: wakeUp(app, 'sign_up'),
    signUp: {
      limiter: app.limiter,
      checkDomain: app.checkDomain,
      challenge: challengeOf(app, secrets),
      embedOrigins: config.embedOrigins,
      privacy: config.privacy,
      clock: app.clock,
    },
    trustProxy: config.trustProxy,
    hsts: config.hsts,
    ready: () => ready(app),
    health: healthOf(app),
    metrics,
    metricsToken: secrets.metricsToken,
    docs: config.docs,
    publish: config.publish,
    contents: contentActions(app),
    logger,
  });
}

/** The challenge of the sign-up form; null when the settings have none. */
function challengeOf({ config, logger }: App, { turnstileSecretKey: secretKey }: Secrets) {
  if (config.turnstile === null || secretKey === undefined) return null;
  return turnstile({ ...config.turnstile, secretKey }, (reason) =>
    logger.warn({ reason }, 'Turnstile cannot be reached: strict limits apply instead'),
  );
}

/**
 * Returns a function that enqueues a job without waiting for it. The job does all waiting work, so while one
 * enqueue is in progress, one more is enough for all further calls. If the queue is unavailable, `reconcile` does
 * the work.
 */
function wakeUp(app: App, name: 'events' | 'sign_up' | 'clean_outbox'): () => void {
  let isEnqueuing = false;
  let again = false;
  const enqueueAll = async (): Promise<void> => {
    isEnqueuing = true;
    try {
      do {
        again = false;
        await app.queue.enqueue(name, {});
      } while (again);
    } catch (error) {
      app.logger.warn({ job: name, err: error }, 'the job could not be enqueued; reconcile will do it');
    } finally {
      isEnqueuing = false;
    }
  };
  return () => {
    again = true;
    if (!isEnqueuing) void enqueueAll();
  };
}

/** Does not wait for the queue: if it is unavailable, `reconcile` finds the mail in the database. */
function enqueueMail(app: App, mailId: string): void {
  app.queue.enqueue('mail', { mailId }).catch((error) => {
    app.logger.warn({ err: error }, 'a mail could not be enqueued; reconcile will do it');
  });
}

/** Reads the values for `/metrics` from the database. */
export async function readMetrics(app: App): Promise<MetricValues> {
  const { queue } = app;
  const db = app.database.web;
  const health = await checkHealth({ ...app, db });
  const queues = await within(QUEUE_PATIENCE_MS, waitingByQueue(queue)).catch(() => null);
  const deliveries: Record<string, Record<string, number>> = {};
  for (const { id, slug } of await listIssues(db, { status: ['sending', 'paused'] })) {
    const { prepared, submitted, excluded, failed, uncertain } = await issueProgress(db, id);
    deliveries[slug] = { prepared, submitted, excluded: total(excluded), failed: total(failed), uncertain };
  }
  return {
    ...{ queues, deliveries },
    events: await countEvents(db),
    circuit: await circuitState(db),
    failingDuties: await failingDuties(db),
    openNotices: await countOpenNotices(db),
    slotLateSeconds: health.slot.lateSeconds,
    reconciledAt: await reconciledAt(db),
  };
}

async function waitingByQueue(queue: App['queue']): Promise<Record<string, number>> {
  const waiting: Record<string, number> = {};
  for (const name of QUEUE_NAMES) waiting[name] = await queue.waiting(name);
  return waiting;
}

/** The check behind `/healthz?deep` of a process. */
export function healthOf(app: App): () => Promise<Health> {
  return cachedHealth(() => checkHealth({ ...app, db: app.database.web }));
}

/** @throws when the database or the queue is unavailable. */
export async function ready(app: App): Promise<void> {
  await listIssues(app.database.web, { status: ['sending'], limit: 1 });
  await app.queue.waiting('issues');
}
