import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { createApp } from '../../src/app/app.ts';
import { publicServer } from '../../src/app/public-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { signFormToken } from '../../src/subscribers/sign-up/form-token.ts';
import { foldAddress } from '../../src/transactional/requests/request-policy.ts';
import { reconcile } from '../../src/workflow/duties.ts';
import { createMigratedDatabase, temporaryFolder } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';
import { findRedis, freePort, startRedis } from '../helpers/services.ts';

const databaseUrl = inject('databaseUrl');
const redis = findRedis();

const POSTS = 10_000;
const AT_ONCE = 25;

/** One of many spellings of one of ten inboxes. */
function victim(turn: number): string {
  const name = `victim${turn % 10}`;
  const letters = [...name]
    .map((letter, at) => (at > 0 && (turn >> at) & 1 ? `.${letter}` : letter))
    .join('');
  return `${letters}+${turn}@${turn % 2 === 0 ? 'gmail.com' : 'googlemail.com'}`;
}

describe.skipIf(!databaseUrl || redis === null)('10,000 sign-ups for ten people who never asked', () => {
  const lifetimes: Lifetime[] = [];
  afterEach(async () => {
    for (const lifetime of lifetimes.splice(0)) await lifetime[Symbol.asyncDispose]();
  });

  it('cause one mail each, do not delay real people, and continue when Redis stops', async () => {
    const lifetime = new Lifetime();
    lifetimes.push(lifetime);
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const database = await createMigratedDatabase(databaseUrl);
    lifetime.defer(() => database.drop());
    const port = await freePort();
    let server = await startRedis(redis ?? '', port);
    lifetime.defer(() => server.stop());

    const { config, secrets } = loadConfig({
      DATA_DIR: path.join(folder.path, 'data'),
      DATABASE_URL: database.url,
      REDIS_URL: server.url,
      SECRET_KEY: 'k'.repeat(40),
      LOG_LEVEL: 'silent',
    });
    const provider = new Provider();
    const answers = async () => [{ exchange: 'mx.example' }];
    const dns = { resolveMx: answers, resolve4: async () => [], resolve6: async () => [] };
    const app = lifetime.use(await createApp(config, secrets, { mailer: provider, dns }));
    const web = await publicServer(app, secrets);
    lifetime.defer(() => web.close());
    lifetime.use(await app.queue.work(processors(app), { concurrency: 2, onFailure() {} }));

    const stamp = () => signFormToken(app.keys, new Date(Date.now() - 60_000));
    const post = (email: string, remoteAddress: string) =>
      web.inject({ method: 'POST', url: '/subscribe', remoteAddress, payload: { email, stamp: stamp() } });
    const statuses = new Map<number, number>();
    const real: string[] = [];
    const began = Date.now();

    for (let turn = 0; turn < POSTS; turn += AT_ONCE) {
      if (turn === POSTS / 2) await server.stop();
      const attack = Array.from({ length: AT_ONCE }, async (_, index) => {
        const at = turn + index;
        // A tenth comes from one machine, the others each from a new one.
        const from = at % 10 === 0 ? '203.0.113.9' : `10.${at >> 8}.${at & 255}.1`;
        const { statusCode } = await post(victim(at), from);
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      });
      if (turn % 500 === 0) {
        const email = `real${turn}@example.org`;
        real.push(email);
        attack.push(
          post(email, `198.51.${turn / 500}.1`).then(({ statusCode }) => expect(statusCode).toBe(202)),
        );
      }
      await Promise.all(attack);
    }

    // Its workers wait for Redis. A sign-up in between is in the database, and is mailed when Redis is back.
    server = await startRedis(redis ?? '', port);
    for (let open = 1; open > 0; ) {
      // `serve` does this every minute: a job that was lost with Redis is enqueued again.
      await reconcile(app);
      const { rows } = await sql<{ open: number }>`
        select (select count(*) from mail_requests) + (select count(*) from mails where status = 'pending') as open
      `.execute(app.db);
      open = rows[0]?.open ?? 0;
      await sleep(20);
    }

    const perInbox = new Map<string, number>();
    for (const to of provider.copies) {
      const inbox = foldAddress(to.toLowerCase());
      perInbox.set(inbox, (perInbox.get(inbox) ?? 0) + 1);
    }
    const victims = [...perInbox].filter(([inbox]) => inbox.startsWith('victim'));
    const most = Math.min(3, 1 + Math.floor((Date.now() - began) / 600_000));
    expect(victims).toHaveLength(10);
    expect(Math.max(...victims.map(([, copies]) => copies))).toBeLessThanOrEqual(most);
    expect(real).toHaveLength(20);
    expect(provider.copies.filter((to) => to.startsWith('real')).sort()).toEqual(real.sort());
    // The one machine got 429, from Redis and then from the database; nobody got an error.
    expect([...statuses.keys()].sort()).toEqual([202, 429]);
    expect(statuses.get(202)).toBeGreaterThanOrEqual(9_000);
    expect(statuses.get(202)).toBeLessThanOrEqual(9_120);
    expect(await app.db.selectFrom('mail_requests').selectAll().execute()).toEqual([]);
  }, 900_000);
});
