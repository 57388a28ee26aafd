import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/db/database.ts';
import { expectOneLine, runCommand as run } from '../helpers/command.ts';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';
import { startCommand } from '../helpers/processes.ts';
import { startResend } from '../resend/index.ts';

/** Commands as their users run them, one after the other on the same database. */

const folder = temporaryFolder();
const root = folder.path;
afterAll(() => folder[Symbol.dispose]());

describe('one installation, from nothing to sent', () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    const comparisons = path.join(root, 'comparisons');
    await mkdir(comparisons);
    await mkdir(path.join(root, 'empty'));
    await writeFile(path.join(comparisons, 'broken.json'), '{ "slug": ');
    await writeFile(path.join(comparisons, 'half.md'), '---\nslug: half\n---\n');
    env = { DATA_DIR: path.join(root, 'var'), SOURCES: `folder:${path.join(root, 'empty')}` };
    copyDatabase(env.DATA_DIR ?? '');
  });

  test('fault 19: an empty week is skipped, with its reason', async () => {
    const { code, stdout } = await run(['compose', '--json'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'skipped',
      reason: 'No new comparison since the last issue.',
    });
  });

  test('a broken file is reported by name and reason, and skipped', async () => {
    const { code, stdout } = await run(['gather', '--json'], {
      ...env,
      SOURCES: `folder:${path.join(root, 'comparisons')}`,
    });
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.added).toBe(0);
    expect(report.rejected.map((each: { name: string }) => path.basename(each.name))).toEqual([
      'broken.json',
      'half.md',
    ]);
  });

  test('a missing folder is reported in one line', async () => {
    const result = await run(['gather'], { ...env, SOURCES: `folder:${path.join(root, 'nowhere')}` });
    expect(result.code).toBe(1);
    expectOneLine(result, /nowhere/);
  });

  test('fault 22: without a postal address nothing is approved, and the demo says so too', async () => {
    const samples = { ...env, SOURCES: 'folder:samples/comparisons' };
    expect((await run(['gather'], samples)).code).toBe(0);
    expect((await run(['compose'], samples)).code).toBe(0);
    const approved = await run(['approve'], samples);
    expect(approved.code).toBe(1);
    expectOneLine(approved, /POSTAL_ADDRESS/);
    const demo = await run(['demo'], { ...samples, POSTAL_ADDRESS: '' });
    expect(demo.code).toBe(1);
    expectOneLine(demo, /POSTAL_ADDRESS/);
  });

  test('a port in use is reported in one line, and the program that uses it goes on', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const result = await run(['serve'], { ...env, PORT: String(port) });
    expect(result.code).toBe(1);
    expectOneLine(result, new RegExp(`Port ${port}.*in use`));
    server.close();
  });

  test('the demo sends once, prints its result as one JSON document, and has nothing new the second time', async () => {
    // As a process of its own, and with nothing before it, it is a test of `crash.embedded`.
    const demo = { DATA_DIR: path.join(root, 'demo') };
    copyDatabase(demo.DATA_DIR);
    const first = await run(['demo', '--json'], demo);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toMatchObject({
      issue: { status: 'sent' },
      audience: 210,
      submitted: 208,
      uncertain: 0,
    });
    const second = await run(['demo'], demo);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toMatch(/^Mail goes to .*outbox \(nothing leaves this machine\)$/m);
    expect(second.stdout).toContain('There is nothing new; nothing is sent.');

    const status = JSON.parse((await run(['status', '--json'], demo)).stdout);
    expect(status.subscribers).toEqual({ active: 210, pending: 13, suppressed: 9, unsubscribed: 18 });
  });

  test('with a key the demo sends through Resend, and every reader has one copy', async () => {
    await using resend = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY });
    const demo = { DATA_DIR: path.join(root, 'resend') };
    copyDatabase(demo.DATA_DIR);
    const { code, stdout } = await run(['demo'], {
      ...demo,
      RESEND_API_KEY: resend.apiKey,
      RESEND_BASE_URL: resend.url,
      RESEND_RATE: '1000',
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`Mail goes to Resend at ${resend.url}\n`);
    expect(stdout).toMatch(/^ {2}submitted {4}208$/m);

    await using database = await openDatabase({ databaseUrl: undefined, dataDir: demo.DATA_DIR });
    const readers = await database.kysely
      .selectFrom('deliveries as d')
      .innerJoin('subscribers as s', 's.id', 'd.subscriber_id')
      .select('s.email')
      .where('d.status', '=', 'submitted')
      .execute();
    expect(readers).toHaveLength(208);
    const copies = resend.accepted().map(({ to }) => to);
    expect(copies.sort()).toEqual(readers.map(({ email }) => email).sort());
  });

  test.each([
    [['import-page', 'nowhere.txt'], /nowhere\.txt/],
    [['subscribers', 'import', 'nowhere.csv'], /nowhere\.csv/],
    [['send', '--issue', '1999-01-01'], /1999-01-01/],
  ])('%j names what is missing', async (args, about) => {
    const result = await run(args, env);
    expect(result.code).toBe(1);
    expectOneLine(result, about);
  });

  test('a server locks its DATA_DIR, and stops on a signal', async () => {
    await using server = startCommand(['serve'], { ...env, PORT: '0', LOG_LEVEL: 'silent' });
    await server.says('listens on http://127.0.0.1:');
    const second = await run(['status'], env);
    expect(second.code).toBe(1);
    expectOneLine(second, /Another Weekly Verdict process.*DATABASE_URL/);
    server.kill('SIGTERM');
    const { code, stdout, stderr } = await server.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Stopping');
    expect((await run(['status', '--json'], env)).code).toBe(0);
  });
});

describe('the people in the database', () => {
  const database = { DATA_DIR: path.join(root, 'database') };
  beforeAll(() => copyDatabase(database.DATA_DIR));

  test('a list is imported with its consent and exported again, and one person of it is erased', async () => {
    const list = path.join(root, 'people.csv');
    await writeFile(list, 'email,status\nann@example.org,\nbob@example.org,unsubscribed\nnobody,\n');

    const dry = await run(['subscribers', 'import', list, '--dry-run'], database);
    expect(dry).toMatchObject({ code: 1, stderr: 'importing: 3 rows\n' });
    expect(dry.stdout).toContain('Would be, of 3 rows: 2 added (1 pending, 1 unsubscribed)');
    expect(dry.stdout).toMatch(/1 are pending and get nothing.*\n.*--consent/);

    const taken = await run(['subscribers', 'import', list, '--consent', 'By letter', '--json'], database);
    expect(taken).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(taken.stdout)).toMatchObject({
      added: { active: 1, unsubscribed: 1 },
      rejected: 1,
      rejectedFile: `${list}.rejected.csv`,
      subscribers: { active: 1, pending: 0, unsubscribed: 1, suppressed: 0 },
    });

    const out = path.join(root, 'out.csv');
    const exported = await run(['subscribers', 'export', '--out', out, '--status', 'active'], database);
    expect(exported).toMatchObject({ code: 0, stdout: '', stderr: `1 people are in ${out}\n` });
    expect(await readFile(out, 'utf8')).toMatch(/^email,.*\nann@example\.org,active,[^\n]*\n$/);
    const { stdout } = await run(['subscribers', 'export', '--json'], database);
    expect(JSON.parse(stdout)).toHaveLength(2);
    const nowhere = await run(
      ['subscribers', 'export', '--out', path.join(root, 'no', 'where.csv')],
      database,
    );
    expect(nowhere.code).toBe(1);
    expectOneLine(nowhere, /where\.csv could not be written/);

    const forget = (address: string) => run(['subscribers', 'forget', address], database);
    expect((await forget('Ann@example.org')).stdout).toMatch(/^Forgotten/);
    expect((await forget('ann@example.org')).stdout).toMatch(/^Nobody/);
    const again = await run(['subscribers', 'import', list, '--consent', 'By letter'], database);
    expect(again.stdout).toContain(
      '3 rows: 0 added, 1 known already, 1 who asked not to be mailed, 1 rejected',
    );
    expectOneLine(await forget('ann'), /is not of the form/);
  });

  test('one person is added: asked by mail, or subscribed at once with the time of their confirmation', async () => {
    const add = (...args: string[]) =>
      run(['subscribers', 'add', ...args, '--consent', 'Asked me at the fair, 3 May 2026'], database);
    expect((await add('dora@example.org', '--topics', 'Writing,Coding')).stdout).toMatch(/^Asked/);
    expect((await add('emil@example.org', '--confirmed-at', '2026-05-03T10:00:00Z')).stdout).toBe(
      'Added as a reader.\n',
    );
    expect((await add('emil@example.org')).stdout).toMatch(/^Is a reader already/);
    expectOneLine(
      await add('bob@example.org', '--confirmed-at', '2026-05-03T10:00:00Z'),
      /asked not to be mailed/,
    );
    expectOneLine(await add('fay@example.org', '--confirmed-at', '2999-01-01T00:00:00Z'), /later than today/);
    const { stdout } = await run(['subscribers', 'export', '--json'], database);
    const people: { email: string }[] = JSON.parse(stdout);
    const person = (email: string) => people.find((each) => each.email === email);
    expect(person('dora@example.org')).toMatchObject({ status: 'pending' });
    expect(person('emil@example.org')).toMatchObject({ status: 'active', consent_method: 'admin' });
    expect(person('fay@example.org')).toBeUndefined();
  });

  test('B17: a bounce is lifted with a reason, and messages name the actual cause of other suppressions', async () => {
    const list = path.join(root, 'bounced.csv');
    await writeFile(
      list,
      'email,status,confirmed_at,left_reason\n' +
        'gus@example.org,suppressed,2026-05-03T10:00:00Z,bounced\n' +
        'hal@example.org,suppressed,2026-05-03T10:00:00Z,complained\n',
    );
    await run(['subscribers', 'import', list], database);
    const add = (...args: string[]) =>
      run(['subscribers', 'add', ...args, '--consent', 'By letter'], database);
    const confirmed = ['--confirmed-at', '2026-05-03T10:00:00Z'];
    expectOneLine(await add('gus@example.org', ...confirmed), /mail to this address bounced/);
    expectOneLine(await add('hal@example.org'), /this person reported our mail as spam/);

    await writeFile(list, 'email\ngus@example.org\nhal@example.org\n');
    const again = await run(['subscribers', 'import', list, '--consent', 'By letter'], database);
    expect(again.stdout).toContain('1 stays off the list: mail to this address bounced');
    expect(again.stdout).toContain('1 stays off the list: this person reported our mail as spam');

    const restore = (...args: string[]) => run(['subscribers', 'restore', ...args], database);
    expect((await restore('gus@example.org')).code).toBe(2);
    expectOneLine(await restore('gus@example.org', '--reason', ' '), /the reason is empty/);
    expectOneLine(await restore('hal@example.org', '--reason', 'asked'), /reported our mail as spam/);
    expectOneLine(await restore('nobody@example.org', '--reason', 'asked'), /nobody with this address/);
    const restored = await restore('gus@example.org', '--reason', 'mailbox mended', '--json');
    expect([restored.code, JSON.parse(restored.stdout)]).toEqual([0, { restored: true, status: 'active' }]);
    expect((await restore('gus@example.org', '--reason', 'again')).stdout).toBe(
      'Nothing to lift: this person is active.\n',
    );
  });

  test('a list may come from a pipe, and its rejected rows never overwrite it', async () => {
    await using piped = startCommand(['subscribers', 'import', '-', '--json'], database);
    piped.tell('email,confirmed_at');
    piped.tell('cleo@example.org,2026-11-01 09:00:00');
    piped.end();
    const { code, stdout } = await piped.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ added: { active: 1 } });
    const list = path.join(root, 'precious.csv');
    await writeFile(list, 'email\nnobody\n');
    const result = await run(['subscribers', 'import', list, '--rejected', list], database);
    expect(result.code).toBe(1);
    expectOneLine(result, /--rejected/);
    expect(await readFile(list, 'utf8')).toBe('email\nnobody\n');
  });
});

describe('F11: comparisons', () => {
  const database = { DATA_DIR: path.join(root, 'content'), SOURCES: 'folder:samples/comparisons' };
  const SLUG = 'cold-open-vs-agenda-ferret';
  beforeAll(async () => {
    copyDatabase(database.DATA_DIR);
    await run(['gather'], database);
    await run(['compose'], { ...database, POSTAL_ADDRESS: '1 Example Street, Sampleton' });
  });

  test('are listed, taken down and shown again, with the effect on their issue', async () => {
    const list = async (...more: string[]): Promise<{ slug: string; state: string }[]> =>
      JSON.parse((await run(['comparisons', 'list', '--json', ...more], database)).stdout);
    expect((await list()).length).toBeGreaterThan(5);
    expect(await list('--hidden')).toEqual([]);

    const hidden = await run(['comparisons', 'hide', SLUG, '--reason', 'asked by its maker'], database);
    expect([hidden.code, hidden.stdout]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^${SLUG} is taken down\\.\n {2}Issue [\\d-]+ was composed again without it\\.\n$`),
      ),
    ]);
    expect(await list('--hidden')).toMatchObject([
      { slug: SLUG, state: 'hidden', hidden: { reason: 'asked by its maker', who: 'command line' } },
    ]);
    expect((await run(['comparisons', 'list', '--find', 'FERRET'], database)).stdout).toMatch(
      /taken down: asked by its maker \(command line, /,
    );
    const again = await run(['comparisons', 'hide', SLUG, '--reason', 'other', '--json'], database);
    expect(JSON.parse(again.stdout)).toEqual({ slug: SLUG, status: 'unchanged', issues: [] });
    expect((await run(['comparisons', 'show', SLUG], database)).stdout).toBe(`${SLUG} is shown again.\n`);
    expect((await run(['comparisons', 'show', SLUG], database)).stdout).toContain('nothing was changed');
  });

  test('an unknown comparison and an empty reason are each reported in one line', async () => {
    for (const args of [
      ['hide', 'nobody-vs-nothing', '--reason', 'x'],
      ['show', 'nobody-vs-nothing'],
    ]) {
      const result = await run(['comparisons', ...args], database);
      expect(result.code).toBe(1);
      expectOneLine(result, /nobody-vs-nothing.*comparisons list/);
    }
    expectOneLine(await run(['comparisons', 'hide', SLUG, '--reason', '  '], database), /Say why/);
    expect((await run(['comparisons', 'hide', SLUG], database)).code).toBe(2);
  });
});
