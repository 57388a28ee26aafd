import { once } from 'node:events';
import { schedulers } from '../../jobs/index.ts';
import { type App, createApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { createHealthServer, createServer } from '../http/index.ts';
import { Lifetime } from '../lifetime.ts';
import { type Context, say } from './output.ts';
import { work } from './session.ts';

export type Role = 'all' | 'web' | 'worker';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

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
    lifetime.use(await listen(app, role, secrets.apiToken));
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

async function listen(app: App, role: Role, apiToken: string | undefined): Promise<AsyncDisposable> {
  const { config, logger } = app;
  // The outbox holds readers' personal links: it is for this machine only, never behind a public host.
  const outboxDir = LOOPBACK.has(new URL(config.publicUrl).hostname) ? app.outboxDir : null;
  const ready = async () => {
    await app.db.selectFrom('issues').select('id').limit(1).execute();
    await app.queue.waiting('issues');
  };
  const server =
    role === 'worker'
      ? await createHealthServer({ ready, logger })
      : await createServer({
          db: app.db,
          keys: app.keys,
          site: {
            publicUrl: config.publicUrl,
            newsletterName: config.newsletterName,
            postalAddress: config.mail.postalAddress,
            replyTo: config.mail.replyTo,
          },
          outboxDir,
          apiToken,
          ready,
          logger,
        });
  try {
    const address = await server.listen({ host: config.host, port: config.port });
    say(`${config.newsletterName} (${role}) listens on ${address}`);
    if (role !== 'worker') {
      say(`  issues   ${config.publicUrl}/issues`);
      if (app.outboxDir !== null)
        say(`  outbox   ${address}/outbox   mail goes to ${app.mailer.destination}`);
    }
  } catch (error) {
    await server.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw error;
    throw new AppError('port-in-use', `Port ${config.port} on ${config.host} is in use.`, {
      help: 'Stop the program that uses it, or set another PORT.',
      cause: error,
    });
  }
  return { [Symbol.asyncDispose]: () => server.close() };
}
