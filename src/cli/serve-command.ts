import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { schedulers } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../app/app.ts';
import { healthOf, metricsOf, publicServer, ready } from '../app/public-server.ts';
import { createHealthServer, createMetricsServer } from '../app/server.ts';
import { loadConfig, type Secrets } from '../config/config.ts';
import { endAccessOfFormerEditors } from '../desk/auth/sessions.ts';
import { AppError } from '../platform/errors.ts';
import { CONNECTION_LIMITS } from '../platform/http/connections.ts';
import type { Metrics } from '../platform/http/metrics.ts';
import { Lifetime } from '../platform/lifetime.ts';
import { describeOnTheirWay } from '../sending/on-its-way.ts';
import { watchClock } from '../workflow/watch-clock.ts';
import { work } from './open-app.ts';
import { type Context, say } from './output.ts';

export type Role = 'all' | 'web' | 'worker';

/**
 * Runs until it is stopped by a signal, then waits for the running jobs.
 * @throws AppError `role-needs-services`, `port-in-use`.
 */
export async function serve(context: Context, role: Role): Promise<void> {
  const { config, secrets } = loadConfig(context.env);
  for (const { name, message } of context.envAmbiguities ?? []) say(`.env, ${name}: ${message}`);
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
    const terminal = (link: string) => say(`  sign in  ${link}`);
    const app = lifetime.use(await createApp(config, secrets, { terminal }));
    // When there is a desk, it does the same at its start.
    if (role !== 'worker' && config.editors.length === 0) await endAccessOfFormerEditors(app.db, []);
    const metrics = metricsOf(app);
    // Listens first: a port in use should stop the process before any work begins.
    lifetime.use(
      await (role === 'worker'
        ? listenForHealth(app, context, secrets, metrics)
        : listen(app, role, secrets, metrics)),
    );
    if (metrics !== undefined && config.metrics.readers === 'local')
      lifetime.use(await listenForMetrics(app, metrics));
    if (role !== 'web') {
      for (const line of await describeOnTheirWay(app.db)) say(line);
      await app.queue.schedule(schedulers(app));
      const working = lifetime.use(await work(app));
      lifetime.use(await watchClock(app, working));
      await app.queue.enqueue('reconcile', {});
    }
    if (!context.signal.aborted) await once(context.signal, 'abort');
    say('Stopping; jobs in hand are finished first.');
  } finally {
    await lifetime[Symbol.asyncDispose]();
  }
}

async function listen(
  app: App,
  role: Role,
  secrets: Secrets,
  metrics: Metrics | undefined,
): Promise<AsyncDisposable> {
  const { config } = app;
  const outboxToken =
    app.outboxDir === null || config.outbox.access === 'off'
      ? undefined
      : randomBytes(32).toString('base64url');
  const server = await publicServer(app, secrets, {
    ...(outboxToken === undefined ? {} : { outboxToken }),
    metrics,
  });
  const address = await listenOn(server, { host: config.host, port: config.port }, 'PORT');
  say(`${config.newsletterName} (${role}) listens on ${address}`);
  say(`  issues   ${config.publicUrl}/issues`);
  if (outboxToken !== undefined) say(`  outbox   ${address}/outbox/${outboxToken}`);
  if (config.editors.length > 0) say(`  desk     ${config.publicUrl}/editor`);
  say(`  mail goes to ${app.mailer.destination}`);
  return { [Symbol.asyncDispose]: () => server.close() };
}

/** @throws AppError `port-in-use`. */
async function listenOn(
  server: Awaited<ReturnType<typeof publicServer>>,
  { host, port }: { host: string; port: number },
  setting: string,
): Promise<string> {
  try {
    // As many as may be open: with Node's default of 511 a burst of connections fills the queue, and a health check
    // behind it waits for seconds until the system retries.
    return await server.listen({ host, port, backlog: CONNECTION_LIMITS.connections });
  } catch (error) {
    await server.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new AppError('port-in-use', `Port ${port} on ${host} is in use.`, {
      help: `Stop the program that uses it, or set another ${setting}.`,
      cause: error,
    });
  }
}

/** Listens on the loopback address, whatever HOST says, so that no proxy and no other machine can reach it. */
async function listenForMetrics({ config, logger }: App, metrics: Metrics): Promise<AsyncDisposable> {
  const server = await createMetricsServer(metrics, logger);
  const address = await listenOn(server, { host: '127.0.0.1', port: config.metrics.port }, 'METRICS_PORT');
  say(`  metrics  ${address}/metrics`);
  return { [Symbol.asyncDispose]: () => server.close() };
}

/**
 * Serves health probes of a worker when PORT is set, as in a container of its own. Several workers on one machine
 * cannot share a port; that must not stop them, because their work does not need it.
 */
async function listenForHealth(
  app: App,
  context: Context,
  { metricsToken }: Secrets,
  metrics: Metrics | undefined,
): Promise<AsyncDisposable> {
  const { config, logger } = app;
  const server = await createHealthServer({
    ready: () => ready(app),
    health: healthOf(app),
    metrics,
    metricsToken,
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
