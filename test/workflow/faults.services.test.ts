import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { work } from '../../src/cli/open-app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { changeIssue, requireIssue } from '../../src/issues/issue-store.ts';
import { recordFault } from '../../src/notices/fault-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { noteFailedJob } from '../../src/workflow/failed-jobs.ts';
import { watchForProblems } from '../../src/workflow/watch-problems.ts';
import { resume } from '../../src/workflow/week.ts';
import { ENVELOPE, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { createMigratedDatabase, temporaryFolder } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

const [server, redisUrl] = [inject('databaseUrl'), inject('redisUrl')];

describe.skipIf(!server || !redisUrl)('D10: people are told', () => {
  const lifetime = new Lifetime();
  let app: App;
  beforeAll(async () => {
    const database = await createMigratedDatabase(server);
    lifetime.defer(database.drop);
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const { config, secrets } = loadConfig({
      DATA_DIR: folder.path,
      DATABASE_URL: database.url,
      REDIS_URL: `${redisUrl}/13`,
      SECRET_KEY: 'k'.repeat(40),
      DATABASE_STATEMENT_TIMEOUT: '2',
      LOG_LEVEL: 'silent',
    });
    app = lifetime.use(await createApp(config, secrets, { mailer: new Provider() }));
  });
  afterAll(() => lifetime[Symbol.asyncDispose]());

  const told = async (kind: string) =>
    (await openNotices(app.db)).filter((notice) => notice.kind === kind).map(({ message }) => message);

  it('of a job that failed as often as it may, until it is done', async () => {
    await onlyReaders(app.db, [[]]);
    const { id } = await sendingIssue(app.db);
    await using _working = await work(app);
    await app.queue.enqueue('prepare', { issueId: randomUUID() });
    await expect
      .poll(() => told('job-failed'))
      .toEqual([expect.stringMatching(/^The job prepare fails .*: There is no issue/)]);
    await watchForProblems(app);
    expect(await told('job-failed')).toHaveLength(1);
    await app.queue.enqueue('prepare', { issueId: id });
    await expect
      .poll(async () => {
        await watchForProblems(app);
        return told('job-failed');
      })
      .toEqual([]);
  });

  it('which issue stays in preparation because of it', async () => {
    await onlyReaders(app.db, [[]]);
    const { id } = await sendingIssue(app.db);
    await sql`update issues set status = 'preparing' where id = ${id}`.execute(app.db);
    await noteFailedJob(app, 'prepare', new Error('canceling statement due to statement timeout'));
    const { rows } = await sql<{ slug: string }>`select slug from issues where id = ${id}`.execute(app.db);
    expect(await told('job-failed')).toEqual([
      `The job prepare fails as often as it is tried: canceling statement due to statement timeout. Issue ${rows[0]?.slug} stays preparing.`,
    ]);
    await sql`update issues set status = 'cancelled', number = null where id = ${id}`.execute(app.db);
  });

  it('of a full disk at once, by whoever meets it, until nothing was refused for three minutes', async () => {
    app.faults.note(Object.assign(new Error('could not extend file "base/1"'), { code: '53100' }));
    await expect
      .poll(() => told('disk-full'))
      .toEqual(['The disk of the database is full (could not extend file "base/1").']);
    await watchForProblems(app);
    expect(await told('disk-full')).toHaveLength(1);
    await sql`update faults set at = now() - interval '4 minutes' where kind = 'disk-full'`.execute(app.db);
    await watchForProblems(app);
    expect(await told('disk-full')).toEqual([]);
  });

  it('of statements that are cut off again and again', async () => {
    await expect(sql`select pg_sleep(60)`.execute(app.db)).rejects.toMatchObject({ code: '57014' });
    await expect
      .poll(
        async () =>
          (await sql`select from faults where kind = 'statement-timeout'`.execute(app.db)).rows.length,
      )
      .toBe(1);
    // Once is no reason to tell anybody.
    await watchForProblems(app);
    expect(await told('statement-timeout')).toEqual([]);
    await sql`update faults set since = now() - interval '1 minute' where kind = 'statement-timeout'`.execute(
      app.db,
    );
    await recordFault(app.db, { kind: 'statement-timeout', subject: '', reason: 'canceling statement' });
    await watchForProblems(app);
    expect(await told('statement-timeout')).toEqual(['The database is too slow (canceling statement).']);
  });

  it('D13: of the sender that an issue has when it goes on, and who had it before', async () => {
    await onlyReaders(app.db, [[]]);
    const { id } = await sendingIssue(app.db);
    await changeIssue(app.db, id, { type: 'pause', reason: 'mend MAIL_FROM' });
    let recorded: unknown;
    await resume(app, await requireIssue(app.db, { id }), async (_tx, { status }, sender) => {
      recorded = { status, sender };
    });
    expect(recorded).toEqual({
      status: 'sending',
      sender: { before: ENVELOPE.from, after: app.config.mail.from, inDoubt: 0 },
    });
  });

  it('nothing while all is well', async () => {
    expect(await app.faults.probe()).toEqual([]);
  });
});
