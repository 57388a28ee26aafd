import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Connection, openDatabase } from '../../src/platform/db/database.ts';
import { migrations } from '../../src/platform/db/migrations/all-migrations.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { addSubscribers, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { createDatabase, type TestDatabase } from '../helpers/database.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import {
  batchRow,
  deliveriesOf,
  ENVELOPE,
  expireLeases,
  KEYS,
  onlyReaders,
  sendingIssue,
} from '../helpers/ledger.ts';
import { startCommand } from '../helpers/processes.ts';
import { Provider } from '../helpers/provider.ts';
import { findRedis, freePort, startRedis } from '../helpers/services.ts';
import { startResend } from '../resend/index.ts';

/** Rows of the fault matrix that need their own services to fail. */
const server = inject('databaseUrl');
const SECRET_KEY = 'k'.repeat(40);
const everything = (count: number) => Array.from({ length: count }, () => []);

describe.skipIf(!server || inject('servicesMissing') !== '')('a fault of the services', () => {
  const open: AsyncDisposable[] = [];
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase(server);
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
    await database.drop();
  });

  async function openTestDatabase(databaseUrl = database.url): Promise<Connection> {
    const database = await openDatabase({ databaseUrl, dataDir: tmpdir(), connections: 5 });
    open.push(database);
    return database.kysely;
  }

  /**
   * An issue to three readers, in a database that is reached directly and through a proxy that may lose a response.
   */
  async function proxiedWeek() {
    const direct = await openTestDatabase();
    await onlyReaders(direct, everything(3));
    const issue = await sendingIssue(direct);
    const proxy = await openProxy(server);
    open.push(proxy);
    const through = await openTestDatabase(proxy.urlOf(database.url));
    const [batch = ''] = issue.batches;
    return { direct, through, proxy, issue, batch };
  }

  async function workOff(db: Connection, issueId: string, submit: (id: string) => Promise<unknown>) {
    for (let left = await claimableBatches(db, issueId); left.length > 0; ) {
      for (const batch of left) await submit(batch);
      await expireLeases(db);
      left = await claimableBatches(db, issueId);
    }
  }

  it('faults 3, 12: while Redis is down, a reader can still unsubscribe', async () => {
    const file = findRedis();
    if (file === null) throw new Error('no redis-server');
    const redis = await startRedis(file);
    const dataDir = mkdtempSync(path.join(tmpdir(), 'wv-'));
    open.push({
      [Symbol.asyncDispose]: async () => {
        await redis.stop();
        rmSync(dataDir, { recursive: true });
      },
    });
    const db = await openTestDatabase();
    const email = 'gone@readers.example';
    const confirmedAt = new Date('2026-11-01T00:00:00Z');
    const row = { email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt };
    await addSubscribers(db, [row], 'test');
    const { id } = await db.selectFrom('subscribers').select('id').executeTakeFirstOrThrow();
    const port = await freePort();
    const web = startCommand(['serve', '--role', 'web'], {
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      SECRET_KEY,
      PORT: String(port),
      LOG_LEVEL: 'silent',
    });
    open.push(web);
    await web.says('listens on');
    await redis.stop();
    const token = signer([SECRET_KEY], 'unsubscribe')({ subscriberId: id, version: 1 });
    for (const _twice of [1, 2]) {
      const answer = await fetch(`http://127.0.0.1:${port}/unsubscribe/${token}`, {
        method: 'POST',
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
      });
      expect(answer.status).toBe(200);
    }
    const { status } = await db.selectFrom('subscribers').select('status').executeTakeFirstOrThrow();
    expect(status).toBe('unsubscribed');
    const { rows } = await sql`select from consent_events where event = 'unsubscribed'`.execute(db);
    expect(rows).toHaveLength(1);
  });

  it('fault 4: a connection that breaks in a transaction fails that transaction, not the process', async () => {
    const db = await openTestDatabase();
    const cut = db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(db);
      // The idle connection reports that it is broken.
      await expect
        .poll(() =>
          sql`select 1`.execute(tx).then(
            () => 'open',
            () => 'cut',
          ),
        )
        .toBe('cut');
      await sql`select 1`.execute(tx);
    });
    await expect(cut).rejects.toThrow();
    expect((await sql`select 1`.execute(db)).rows).toHaveLength(1);
  });

  it('fault 4: a claim whose commit is never acknowledged sends nothing, and is repeated under its key', async () => {
    const { direct, through, proxy, issue, batch } = await proxiedWeek();
    const provider = new Provider();

    proxy.swallowAnswerTo(/commit/iu);
    await expect(createSubmitter(through, provider, KEYS)(batch)).rejects.toThrow();
    expect(provider.requests, 'no provider call without a claim that we know of').toEqual([]);
    expect(await batchRow(direct, batch)).toMatchObject({ status: 'submitting' });

    await expireLeases(direct);
    expect(await createSubmitter(direct, provider, KEYS)(batch)).toMatchObject({ kind: 'done' });
    expect(provider.requests.map(({ key }) => key)).toEqual([`batch/${batch}/r1`]);
    expect(provider.copies).toHaveLength(3);
    await assertInvariants(direct, issue.id);
  });

  it('fault 4: a response whose commit is never acknowledged stays recorded, and no reader is mailed again', async () => {
    const { direct, through, proxy, issue, batch } = await proxiedWeek();
    const provider = new Provider(async (_request, honest) => {
      proxy.swallowAnswerTo(/update batches/iu);
      return honest();
    });
    await expect(createSubmitter(through, provider, KEYS)(batch)).rejects.toThrow();
    await expireLeases(direct);
    await createSubmitter(direct, provider, KEYS)(batch);
    expect(provider.copies).toHaveLength(3);
    expect(await issueProgress(direct, issue.id)).toMatchObject({ submitted: 3 });
    expect(await finishIssue(direct, issue.id)).toBe(true);
    await assertInvariants(direct, issue.id);
  });

  it('fault 23: an issue that the previous release was sending is finished by this one', async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    const old = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const released = Object.fromEntries(
      Object.entries(migrations).filter(([name]) => name.localeCompare('0004') < 0),
    );
    expect(Object.keys(released)).toHaveLength(3);
    const migrator = new Migrator({ db: old, provider: { getMigrations: async () => released } });
    expect((await migrator.migrateToLatest()).error).toBeUndefined();
    const { rows } = await pool.query(
      `with issue as (
        insert into issues (number, slug, slot, due_at, status, template, plan, envelope)
        values (1, '2026-11-24', '2026-11-24', now(), 'sending', 'react:digest', '{}', $1) returning id
      ), variant as (
        insert into variants (issue_id, number, subject, preheader, html, text, content_hash)
        select id, 1, 'Ship it', '', '<p>Ship it.</p>', 'Ship it.', 'hash' from issue returning id, issue_id
      ), people as (
        insert into subscribers (email, email_key, status, confirmed_at)
        select 'r' || n || '@readers.example', 'r' || n || '@readers.example', 'active', now() from generate_series(1, 40) n
        returning id
      ), consents as (
        insert into consent_events (subscriber_id, event, method, source)
        select id, 'confirmed', 'import', 'test' from people
      ), batch as (
        insert into batches (issue_id, variant_id, number) select issue_id, id, 1 from variant returning id, issue_id
      ), members as (
        insert into deliveries (issue_id, subscriber_id, batch_id, position, status)
        select batch.issue_id, people.id, batch.id, row_number() over () - 1, 'prepared' from people, batch
      )
      select id from issue`,
      [JSON.stringify(ENVELOPE)],
    );
    await old.destroy();
    const issueId: string = rows[0].id;

    const [db, another] = await Promise.all([openTestDatabase(), openTestDatabase()]);
    const provider = new Provider('answer-lost');
    await workOff(db, issueId, createSubmitter(another, provider, KEYS));
    expect(new Set(provider.copies).size).toBe(40);
    expect(provider.copies).toHaveLength(40);
    expect(await finishIssue(db, issueId)).toBe(true);
    await assertInvariants(db, issueId);
  });

  it('fault 24: a backup from the middle of a send mails no reader again, and none who has unsubscribed since', async () => {
    await using provider = await startResend({ ratePerSecond: 1_000 });
    const mailer = openResend({ apiKey: provider.apiKey, baseUrl: provider.url });
    open.push(mailer);
    const before = await openDatabase({ databaseUrl: database.url, dataDir: tmpdir(), connections: 3 });
    const readers = await onlyReaders(before.kysely, everything(250));
    const issue = await sendingIssue(before.kysely);
    await createSubmitter(before.kysely, mailer, KEYS)(issue.batches[0] ?? '');
    await before[Symbol.asyncDispose]();
    const backup = await createDatabase(server, database);
    open.push({ [Symbol.asyncDispose]: () => backup.drop() });

    const db = await openTestDatabase();
    const unsubscribed = [...(await deliveriesOf(db, issue.id))].find(
      ([, row]) => row.batch_id === issue.batches[2],
    );
    await unsubscribe(db, unsubscribed?.[0] ?? '', 'one_click');
    await workOff(db, issue.id, createSubmitter(db, mailer, KEYS));
    expect(await finishIssue(db, issue.id)).toBe(true);
    expect(provider.total).toBe(readers.length - 1);

    const restored = await openTestDatabase(backup.url);
    await workOff(restored, issue.id, createSubmitter(restored, mailer, KEYS));
    expect(provider.total, 'nobody was mailed because of the backup').toBe(readers.length - 1);
    expect(provider.copies(unsubscribed?.[1].email ?? '')).toBe(0);
    // The batch that had one more reader in the backup needs a person's decision, and so does its issue.
    expect(await issueProgress(restored, issue.id)).toMatchObject({ submitted: 200, uncertain: 50 });
    expect(await finishIssue(restored, issue.id)).toBe(false);
    for (const each of [db, restored]) await assertInvariants(each, issue.id);
  });
});

/** A proxy before PostgreSQL: requests reach the server, and its response does not reach us. */
async function openProxy(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let awaited: RegExp | null = null;
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let isSwallowed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (awaited?.test(bytes.toString('latin1'))) {
        awaited = null;
        isSwallowed = true;
      }
      upstream.write(bytes);
    });
    // When the server responds, it has done the work.
    upstream.on('data', (bytes) => {
      if (isSwallowed) client.destroy();
      else client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const own = (proxy.address() as { port: number }).port;
  return {
    urlOf(url: string): string {
      const through = new URL(url);
      through.hostname = '127.0.0.1';
      through.port = String(own);
      return through.href;
    },
    swallowAnswerTo: (statement: RegExp) => {
      awaited = statement;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
