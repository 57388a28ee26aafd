import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/database.ts';
import { APPEND_ONLY } from '../../src/platform/db/roles.ts';
import { explain } from '../../src/platform/errors.ts';
import { expectOneLine, runCommand } from '../helpers/command.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { newTwoRoles, type TwoRoles } from '../helpers/two-roles.ts';

const server = inject('databaseUrl');
const redisServer = inject('redisUrl');
/** A database of its own on the server: other tests use theirs at the same time. */
const redis = redisServer === '' ? '' : `${redisServer}/10`;
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const settings = (roles: TwoRoles, more: Record<string, string> = {}) => ({
  DATA_DIR: folder.path,
  DATABASE_URL: roles.workerUrl,
  SECRET_KEY: 'k'.repeat(32),
  POSTAL_ADDRESS: '1 Street',
  ...more,
});
const migrate = (roles: TwoRoles, more: Record<string, string> = {}) =>
  runCommand(['migrate'], {
    DATABASE_URL: roles.workerUrl,
    MIGRATE_DATABASE_URL: roles.ownerUrl,
    ...more,
  });
/** SQLSTATE of the refusal, or that there was none. */
const refusalOf = (roles: TwoRoles, statement: string) =>
  roles.ask(roles.workerUrl, statement).then(
    () => 'was done',
    (error: { code?: string }) => error.code,
  );
const INSUFFICIENT_PRIVILEGE = '42501';

describe.skipIf(server === '')('two roles on a server', () => {
  let roles: TwoRoles;
  beforeAll(async () => {
    roles = await newTwoRoles(server);
  });
  afterAll(() => roles?.[Symbol.asyncDispose]());

  it('F13: no process starts before the owner has migrated, and the error says who must do it', async () => {
    const result = await runCommand(['serve'], settings(roles));
    expect(result.code).toBe(1);
    expectOneLine(result, new RegExp(`role "${roles.worker}" may not change it.*MIGRATE_DATABASE_URL`));
    expect(await roles.ask(roles.ownerUrl, `select from pg_tables where schemaname = 'public'`)).toEqual([]);
  });

  it("F13: `migrate` needs only the owner's address, and may be run again", async () => {
    for (let run = 0; run < 2; run += 1) {
      const { code, stdout } = await migrate(roles, { REDIS_URL: redis || 'redis://127.0.0.1:1' });
      expect(code).toBe(0);
      expect(stdout).toContain(`The role "${roles.worker}" may work in it, and changes no table.`);
    }
  });

  describe('the working role', () => {
    beforeAll(async () => {
      expect(await migrate(roles, { REDIS_URL: redis || 'redis://127.0.0.1:1' })).toMatchObject({ code: 0 });
      await roles.ask(
        roles.workerUrl,
        `insert into subscribers (id, email, email_key, status)
         values ('00000000-0000-4000-8000-000000000001', 'a@b.example', 'a@b.example', 'pending');
         insert into consent_events (id, subscriber_id, event, method) overriding system value
         values (1000, '00000000-0000-4000-8000-000000000001', 'requested', 'test');
         insert into consent_texts (version, hash, text) values ('v', encode(sha256('t'), 'hex'), 't');
         insert into consent_evidence (event_id) values (1000);
         insert into consent_seals (to_id) values (1000)`,
      );
    });

    it.each([
      'create table made (id int)',
      'create temporary table made (id int)',
      'create schema made',
      'create schema bullmq',
      'create function made() returns int language sql as $$ select 1 $$',
      'create view made as select 1',
      'create index on subscribers (email)',
      'create trigger made before insert on consent_events for each row execute function hash_consent_event()',
      'create or replace function hash_consent_event() returns trigger language plpgsql as $$ begin return new; end $$',
      'alter table subscribers add column made int',
      'alter table subscribers rename to made',
      'alter table consent_events disable trigger all',
      'alter table consent_events disable trigger consent_events_append_only',
      'alter table consent_events owner to current_user',
      'alter function hash_consent_event() owner to current_user',
      'drop table votes',
      'drop table consent_seals',
      'drop trigger consent_events_append_only on consent_events',
      'drop schema public cascade',
      'set session_replication_role = replica',
      'set role postgres',
      `insert into kysely_migration (name, timestamp) values ('9999', '')`,
      'delete from kysely_migration',
      'update kysely_migration_lock set is_locked = 1',
    ])('F13: is refused: %s', async (statement) => {
      expect(await refusalOf(roles, statement)).toBe(INSUFFICIENT_PRIVILEGE);
    });

    it.each(
      APPEND_ONLY.flatMap((table) => [
        `update ${table} set at = now()`,
        `delete from ${table}`,
        `truncate ${table}`,
        `truncate ${table} cascade`,
        `select from ${table} for update`,
        `merge into ${table} t using (select 1) s on true when matched then delete`,
      ]),
    )('F13: is refused: %s', async (statement) => {
      // MERGE exists from PostgreSQL 15 on.
      expect([INSUFFICIENT_PRIVILEGE, ...(statement.startsWith('merge') ? ['42601'] : [])]).toContain(
        await refusalOf(roles, statement),
      );
    });

    it('F13: reads and inserts there, and can delete evidence only of forgotten people, or when it is old', async () => {
      const left = async () =>
        (await roles.ask(roles.workerUrl, 'select event_id from consent_evidence')).length;
      const forget = `select delete_evidence_of_forgotten(array['00000000-0000-4000-8000-000000000001']::uuid[])`;
      await roles.ask(roles.workerUrl, forget);
      await roles.ask(roles.workerUrl, 'select delete_expired_evidence(1)');
      expect(await left()).toBe(1);
      expect(await refusalOf(roles, 'select delete_expired_evidence(0)')).toBe('P0001');
      await roles.ask(
        roles.workerUrl,
        `update subscribers set email = '', email_key = 'erased:1'; ${forget}`,
      );
      expect(await left()).toBe(0);
    });

    it('F13: can use a table that a later version creates', async () => {
      await roles.ask(roles.ownerUrl, 'create table later (id int)');
      await roles.ask(
        roles.workerUrl,
        'insert into later values (1); update later set id = 2; delete from later',
      );
      await roles.ask(roles.ownerUrl, 'drop table later');
    });

    it('F13: gets an error that says to migrate when a later version finds an old schema', async () => {
      const [last] = await roles.ask(
        roles.ownerUrl,
        'delete from kysely_migration where name = (select max(name) from kysely_migration) returning *',
      );
      const error = await openDatabase({ databaseUrl: roles.workerUrl, dataDir: '' }).catch(
        (reason) => reason,
      );
      expect(error).toMatchObject({ code: 'database-outdated' });
      expect(explain(error)).toContain(`"${roles.owner}"`);
      await roles.ask(
        roles.ownerUrl,
        `insert into kysely_migration values ('${last?.name}', '${last?.timestamp}'), ('9999-later', '')`,
      );
      await expect(openDatabase({ databaseUrl: roles.workerUrl, dataDir: '' })).rejects.toMatchObject({
        code: 'database-newer',
      });
      await roles.ask(roles.ownerUrl, `delete from kysely_migration where name = '9999-later'`);
    });

    it("F13: passes doctor's check, and the owner's role does not", async () => {
      const about = async (databaseUrl: string) => {
        const { stdout } = await runCommand(
          ['doctor', '--json'],
          settings(roles, { DATABASE_URL: databaseUrl, ...(redis === '' ? {} : { REDIS_URL: redis }) }),
        );
        return JSON.parse(stdout).filter((each: { about: string }) => each.about === 'DATABASE_URL');
      };
      if (redis !== '') expect(await about(roles.workerUrl)).toMatchObject([{ level: 'ok' }]);
      expect(await about(roles.ownerUrl)).toMatchObject([
        {
          level: 'warn',
          message: expect.stringMatching(/owns the tables/),
          help: expect.stringMatching(/MIGRATE_DATABASE_URL/),
        },
      ]);
      expect(await about(roles.superuserUrl)).toMatchObject([
        { level: 'warn', message: expect.stringMatching(/is a superuser/) },
      ]);
    });

    it('F13: has no queue in the database unless the owner created it', async () => {
      const refused = await runCommand(['gather'], settings(roles));
      expect(refused.code).toBe(1);
      expectOneLine(refused, /may not keep the queue in the database.*REDIS_URL/);
    });
  });

  it.each([
    ['a role that there is not', 'nobody_of_that_name', /There is no role "nobody_of_that_name"/],
    ['the owner under another name', 'member', /owns the tables, or is a member of the role that does/],
    ['a superuser', 'superuser', /is a superuser/],
  ])('F13: `migrate` refuses %s as the working role', async (_, name, message) => {
    const url = new URL(roles.workerUrl);
    url.username = name === 'superuser' ? new URL(roles.superuserUrl).username : name;
    if (name === 'member') await roles.ask(roles.superuserUrl, `create role member in role ${roles.owner}`);
    try {
      const result = await migrate(roles, { DATABASE_URL: url.href, REDIS_URL: 'redis://127.0.0.1:1' });
      expect(result.code).toBe(1);
      expectOneLine(result, message);
    } finally {
      if (name === 'member') await roles.ask(roles.superuserUrl, 'drop role member');
    }
  });
});

describe.skipIf(server === '')('a whole week with the working role', () => {
  it.each([
    ['with the queue in Redis', redis],
    ['with the queue in the database', ''],
  ])('F13: %s is sent, and its readers can be erased', async (_, redisUrl) => {
    await using roles = await newTwoRoles(server);
    const queue = redisUrl === '' ? {} : { REDIS_URL: redisUrl };
    using data = temporaryFolder();
    const env = settings(roles, { ...queue, DATA_DIR: data.path });
    expect(await migrate(roles, queue)).toMatchObject({ code: 0 });
    const demo = await runCommand(['demo', '--subscribers', '5', '--json'], env);
    expect(demo).toMatchObject({ code: 0 });
    const [reader] = await roles.ask(
      roles.workerUrl,
      `select email from subscribers where status = 'active'`,
    );
    expect(await runCommand(['subscribers', 'forget', String(reader?.email)], env)).toMatchObject({
      code: 0,
    });
    const { stdout } = await runCommand(['doctor', '--json'], env);
    expect(
      JSON.parse(stdout).filter(({ about }: { about: string }) => about === 'consent log'),
    ).toMatchObject([{ level: 'ok' }]);
  });
});

describe.skipIf(server === '')('an installation with one role', () => {
  it("F13: is transferred with all its tables, including the queue's, and continues to work", async () => {
    await using roles = await newTwoRoles(server, { made: false });
    using data = temporaryFolder();
    const before = settings(roles, { DATABASE_URL: roles.superuserUrl, DATA_DIR: data.path });
    const sources = { SOURCES: 'folder:samples/comparisons' };
    expect(await runCommand(['gather'], { ...before, ...sources })).toMatchObject({ code: 0 });

    roles.makeRoles();
    roles.makeRoles();
    expect(await migrate(roles)).toMatchObject({ code: 0 });
    expect(
      await roles.ask(
        roles.superuserUrl,
        `select relname from pg_class where relnamespace::regnamespace::text in ('public', 'bullmq')
           and pg_get_userbyid(relowner) <> '${roles.owner}'
         union all select proname from pg_proc where pronamespace::regnamespace::text in ('public', 'bullmq')
           and pg_get_userbyid(proowner) <> '${roles.owner}'`,
      ),
    ).toEqual([]);
    expect(await refusalOf(roles, 'delete from consent_events')).toBe(INSUFFICIENT_PRIVILEGE);
    const after = settings(roles, { DATA_DIR: data.path });
    expect(await runCommand(['gather'], { ...after, ...sources })).toMatchObject({ code: 0 });
    expect(await runCommand(['compose'], after)).toMatchObject({ code: 0 });
  });
});
