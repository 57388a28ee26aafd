import { once } from 'node:events';
import { schedulers } from '../../jobs/index.ts';
import { type App, createApp } from '../app.ts';
import { loadConfig, type Secrets } from '../config.ts';
import { countEvents, issueProgress, total } from '../delivery/index.ts';
import { deskOf } from '../editing.ts';
import { AppError } from '../errors.ts';
import { createHealthServer, createServer, type Measures, turnstile } from '../http/index.ts';
import { listIssues } from '../issues/index.ts';
import { Lifetime } from '../lifetime.ts';
import { QUEUE_NAMES } from '../queue/index.ts';
import { type Context, say } from './output.ts';
import { LOOPBACK, work } from './session.ts';

export type Role = 'all' | 'web' | 'worker';

/**
 * Runs until it is told to stop, then lets the jobs in hand finish.
 * @throws AppError `role-needs-services`, `port-in-use`.
 */
export async function serve(context: Context, role: Role): Promise<void> {
  const { config, secrets } = loadConfig(context.env);
  if (role !== 'all' && config.database === 'embedded') {
    throw new AppError(
      'role-needs-services',
      `serve --role ${role} needs a database that several processes can share.`,
      {
        help: 'Set DATABASE_URL (and REDIS_URL), or run `serve` alone.',
      },
    );
  }
  const lifetime = new Lifetime();
  try {
    const app = lifetime.use(await createApp(config, secrets));
    // Listening first: a port that is taken should stop us before any work begins.
    lifetime.use(await (role === 'worker' ? listenForHealth(app, context) : listen(app, role, secrets)));
    if (role !== 'web') {
      await app.queue.schedule(schedulers(app));
      lifetime.use(await work(app));
      await app.queue.enqueue('reconcile', {});
    }
    if (!context.signal.aborted) await once(context.signal, 'abort');
    say('Stopping; jobs in hand are finished first.');
  } finally {
    await lifetime[Symbol.asyncDispose]();
  }
}

/** The outbox holds readers' personal links: it is for this machine only, never behind a public host. */
function outboxOf({ config, outboxDir }: App): string | null {
  return LOOPBACK.has(new URL(config.publicUrl).hostname) ? outboxDir : null;
}

/** The public web server of an app, not yet listening. */
export function publicServer(app: App, secrets: Secrets): ReturnType<typeof createServer> {
  const { config, logger } = app;
  return createServer({
    db: app.db,
    keys: app.keys,
    site: {
      publicUrl: config.publicUrl,
      newsletterName: config.newsletterName,
      postalAddress: config.mail.postalAddress,
      replyTo: config.mail.replyTo,
    },
    outboxDir: outboxOf(app),
    apiToken: secrets.apiToken,
    webhookSecrets: secrets.resendWebhookSecrets,
    onEvents: doorbell(app, 'events'),
    clock: app.clock,
    ring: (mailId) => ring(app, mailId),
    // Where mail stays on this machine, whoever started it is shown the links that sign in.
    desk: deskOf(app, app.outboxDir === null ? undefined : (link) => say(`  sign in  ${link}`)),
    signUp: {
      limiter: app.limiter,
      checkDomain: app.checkDomain,
      onSignUp: doorbell(app, 'sign_up'),
      challenge: challengeOf(app, secrets),
      embedOrigins: config.embedOrigins,
      privacyUrl: config.privacyUrl,
      clock: app.clock,
    },
    trustProxy: config.trustProxy,
    ready: () => ready(app),
    measure: () => measure(app),
    logger,
  });
}

async function listen(app: App, role: Role, secrets: Secrets): Promise<AsyncDisposable> {
  const { config } = app;
  const outboxDir = outboxOf(app);
  const server = await publicServer(app, secrets);
  const address = await server.listen({ host: config.host, port: config.port }).catch(async (error) => {
    await server.close();
    if (error.code !== 'EADDRINUSE') throw error;
    throw new AppError('port-in-use', `Port ${config.port} on ${config.host} is in use.`, {
      help: 'Stop the program that uses it, or set another PORT.',
      cause: error,
    });
  });
  say(`${config.newsletterName} (${role}) listens on ${address}`);
  say(`  issues   ${config.publicUrl}/issues`);
  if (outboxDir !== null) say(`  outbox   ${address}/outbox`);
  if (config.editors.length > 0) say(`  desk     ${config.publicUrl}/editor`);
  say(`  mail goes to ${app.mailer.destination}`);
  return { [Symbol.asyncDispose]: () => server.close() };
}

/** The puzzle of the sign-up form, where the settings name one. */
function challengeOf({ config, logger }: App, { turnstileSecretKey: secretKey }: Secrets) {
  if (config.turnstile === null || secretKey === undefined) return null;
  return turnstile({ ...config.turnstile, secretKey }, (reason) =>
    logger.warn({ reason }, 'Turnstile cannot be asked: strict limits take its place'),
  );
}

/**
 * A worker answers health probes where PORT is set, as in a container of its own. Several on one
 * machine cannot share a port, and none of them should stop for that: the work does not need it.
 */
async function listenForHealth(app: App, context: Context): Promise<AsyncDisposable> {
  const { config, logger } = app;
  const server = await createHealthServer({
    ready: () => ready(app),
    measure: () => measure(app),
    logger,
  });
  if (context.env.PORT) {
    await server.listen({ host: config.host, port: config.port }).catch((error) => {
      if (error.code !== 'EADDRINUSE') throw error;
      say(`Port ${config.port} is in use: this worker works without a health page.`);
    });
  }
  say(
    `${config.newsletterName} (worker) works on ${app.config.queue === 'redis' ? 'Redis' : 'the database'}`,
  );
  return { [Symbol.asyncDispose]: () => server.close() };
}

/**
 * Rings for a job that does all there is to do, without waiting for it. While one ring is on its way, one more
 * is enough for all who come; while the queue is away, `reconcile` will look.
 */
function doorbell(app: App, name: 'events' | 'sign_up'): () => void {
  let isRinging = false;
  let again = false;
  const ringOut = async (): Promise<void> => {
    isRinging = true;
    try {
      do {
        again = false;
        await app.queue.enqueue(name, {});
      } while (again);
    } catch (error) {
      app.logger.warn({ job: name, err: error }, 'nobody was rung for; reconcile will look');
    } finally {
      isRinging = false;
    }
  };
  return () => {
    again = true;
    if (!isRinging) void ringOut();
  };
}

/** Without a queue nobody waits for one: `reconcile` finds the mail on the books. */
function ring(app: App, mailId: string): void {
  app.queue.enqueue('mail', { mailId }).catch((error) => {
    app.logger.warn({ err: error }, 'a mail waits for the next look at the books');
  });
}

async function measure({ db, queue }: App): Promise<Measures> {
  const queues: Record<string, number> = {};
  for (const name of QUEUE_NAMES) queues[name] = await queue.waiting(name);
  const deliveries: Record<string, Record<string, number>> = {};
  for (const { id, slug } of await listIssues(db, { status: ['sending', 'paused'] })) {
    const { prepared, submitted, excluded, failed, uncertain } = await issueProgress(db, id);
    deliveries[slug] = { prepared, submitted, excluded: total(excluded), failed: total(failed), uncertain };
  }
  return { queues, deliveries, events: await countEvents(db) };
}

async function ready(app: App): Promise<void> {
  await app.db.selectFrom('issues').select('id').limit(1).execute();
  await app.queue.waiting('issues');
}
