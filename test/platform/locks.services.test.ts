import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { publicServer } from '../../src/app/public-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { onlyReaders } from '../helpers/ledger.ts';
import { createMigratedDatabase, temporaryFolder } from '../helpers/locations.ts';

const [server, redisUrl] = [inject('databaseUrl'), inject('redisUrl')];

describe.skipIf(!server || !redisUrl)('D8: a lock in the database that somebody forgot', () => {
  const lifetime = new Lifetime();
  let app: App;
  let web: FastifyInstance;
  let url: string;

  beforeAll(async () => {
    const created = await createMigratedDatabase(server);
    lifetime.defer(created.drop);
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    url = created.url;
    const { config, secrets } = loadConfig({
      DATA_DIR: folder.path,
      DATABASE_URL: url,
      REDIS_URL: `${redisUrl}/12`,
      SECRET_KEY: 'k'.repeat(40),
      DATABASE_LOCK_TIMEOUT: '0.2',
      DATABASE_STATEMENT_TIMEOUT: '0.3',
      LOG_LEVEL: 'silent',
    });
    app = lifetime.use(await createApp(config, secrets));
    web = await publicServer(app, secrets);
    lifetime.defer(() => web.close());
  });
  afterAll(() => lifetime[Symbol.asyncDispose]());

  /** Holds the lock until `use` has ended. */
  async function whileLocked(use: () => Promise<void>): Promise<void> {
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    try {
      await holder.query('begin; lock table subscribers in exclusive mode');
      await use();
    } finally {
      await holder.end();
    }
  }
  const leaving = (reader: string) => ({
    method: 'POST' as const,
    url: `/unsubscribe/${signer(app.keys, 'unsubscribe')({ subscriberId: reader, version: 1 })}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'List-Unsubscribe=One-Click',
  });

  it('answers every unsubscribe with 503 while it is held, and everybody else as usual', async () => {
    const readers = await onlyReaders(
      app.db,
      Array.from({ length: 30 }, () => []),
    );
    await whileLocked(async () => {
      const hanging = readers.map((reader) => web.inject(leaving(reader)));
      // All of them are at work or wait, and others still get a connection.
      await expect
        .poll(async () => {
          const { rows } = await sql<{
            waiting: number;
          }>`select count(*)::int as waiting from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`.execute(app.db);
          return rows[0]?.waiting;
        })
        .toBe(4);
      const others = await Promise.all([
        ...Array.from({ length: 8 }, () => web.inject('/issues')),
        web.inject('/readyz'),
      ]);
      expect(others.map(({ statusCode }) => statusCode)).toEqual(Array(9).fill(200));
      // Without the limits this line is never reached, because the lock is held until after it.
      const answers = await Promise.all(hanging);
      expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(30).fill(503));
      expect(answers[0]?.headers['retry-after']).toBe('60');
    });
    const again = await Promise.all(readers.map((reader) => web.inject(leaving(reader))));
    expect(again.map(({ statusCode }) => statusCode)).toEqual(Array(30).fill(200));
  });

  it('ends the waiting and the long statements of jobs by the settings', async () => {
    await whileLocked(async () => {
      await expect(sql`update subscribers set topics = topics`.execute(app.db)).rejects.toMatchObject({
        code: '55P03',
      });
    });
    await expect(sql`select pg_sleep(60)`.execute(app.db)).rejects.toMatchObject({ code: '57014' });
  });
});
