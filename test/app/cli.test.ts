import { afterAll, describe, expect, test } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { expectOneLine, runCommand } from '../helpers/command.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { startCommand } from '../helpers/processes.ts';
import { comparisons, openSiteServer } from '../helpers/site-server.ts';

/** Commands before they open anything: their settings, usage and help. */

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { DATA_DIR: folder.path, ...env });

describe('wrong settings', () => {
  test.each([
    [{ SCHEDULE: 'every now and then' }, /SCHEDULE.*Tue 09:00/],
    [{ SOURCES: 'carrier-pigeon:roof' }, /SOURCES.*folder:/],
  ])('%o stop a command with one line', async (env, about) => {
    const result = await run(['status'], env);
    expect(result.code).toBe(1);
    expectOneLine(result, about);
  });

  test('are all listed at once', async () => {
    const result = await run(['status'], { SCHEDULE: 'x', PORT: '-1', APPROVAL: 'perhaps' });
    for (const name of [/SCHEDULE/, /PORT/, /APPROVAL/]) expectOneLine(result, name);
  });

  test('a web process without a shared database says which setting is missing', async () => {
    const result = await run(['serve', '--role', 'web']);
    expect(result.code).toBe(1);
    expectOneLine(result, /DATABASE_URL/);
  });

  test('an unresponsive database is reported', async () => {
    const result = await run(['status'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/none',
      SECRET_KEY: 'k'.repeat(40),
    });
    expect(result.code).toBe(1);
    expectOneLine(result, /database.*does not answer/);
  });
});

describe('usage', () => {
  test.each([
    [['no-such-command']],
    [['serve', '--role', 'king']],
    [['import-page']],
    [['demo', '--subscribers', 'many']],
    [['subscribers', 'import', 'list.csv', '--map', 'email']],
    [['subscribers', 'export', '--status', 'happy']],
    [['subscribers', 'add', 'ann@example.org']],
  ])('%j is wrong, exit code 2', async (args) => {
    const result = await run(args);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^error: /);
  });

  test('a process ends with the code of its command', async () => {
    const env = { DATA_DIR: folder.path };
    const [helped, failed, misused] = [['--help'], ['serve', '--role', 'web'], ['no-such-command']].map(
      (args) => startCommand(args, env).ended,
    );
    expect(await helped).toMatchObject({ code: 0, stderr: '' });
    expect(await failed).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: .*\n$/),
    });
    expect(await misused).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('--help', () => {
  const COMMANDS = [
    'demo',
    'serve',
    'gather',
    'import-page',
    'compose',
    'preview',
    'test-send',
    'approve',
    'send',
    'move',
    'pause',
    'resume',
    'cancel',
    'settle',
    'retry',
    'reconcile-restore',
    'status',
    'comparisons',
    'comparisons list',
    'comparisons hide',
    'comparisons show',
    'comparisons reprints',
    'subscribers',
    'subscribers import',
    'subscribers export',
    'subscribers add',
    'subscribers restore',
    'subscribers forget',
    'doctor',
    'sign-in',
    'migrate',
  ];

  test('exists for every command, and changes nothing', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    const named = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
    expect(named.filter((name) => name !== 'help')).toEqual(COMMANDS.filter((name) => !name.includes(' ')));
  });

  test.each(COMMANDS)('%s', async (command) => {
    const args = [...command.split(' '), '--help'];
    const { code, stdout, stderr } = await run(args, { SCHEDULE: 'even if this is wrong' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: weekly-verdict ${command} `));
  });
});

describe('import-page', () => {
  const [page] = comparisons(1) as [Comparison];
  const read = (url: string, env: Record<string, string> = { ALLOW_PRIVATE_SOURCES: '1' }) =>
    run(['import-page', url, '--dry-run', '--json'], env);

  test('reads a page from its address, with our user agent', async () => {
    await using site = await openSiteServer();
    site.put('/page', HTML_LAYOUTS.article?.({ ...page, url: `${site.origin}/page` }) ?? '');
    const { code, stdout } = await read(`${site.origin}/page`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      url: `${site.origin}/page`,
      tools: page.tools.map(({ name }) => ({ name })),
    });
    expect(site.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/page']);
    expect(site.requests[1]?.agent).toMatch(/^WeeklyVerdict\//);
  });

  test('says in one line why a page cannot be read', async () => {
    await using site = await openSiteServer();
    site.put('/robots.txt', 'User-agent: *\nDisallow: /kept\n');
    site.put('/other', '<h1>Something else</h1>');
    for (const [path, reason] of [
      ['/kept', /kept from us by robots\.txt/],
      ['/nowhere', /answered 404/],
      ['/other', /tools\.0\.panelShip/],
    ] as const) {
      const result = await read(`${site.origin}${path}`);
      expect(result.code).toBe(1);
      expectOneLine(result, reason);
    }
    expectOneLine(await read(`${site.origin}/other`, { ALLOW_PRIVATE_SOURCES: '0' }), /no public address/);
    expectOneLine(await read('http://['), /no address/);
    for (const env of [{ ALLOW_PRIVATE_SOURCES: 'yes' }, { PUBLIC_URL: 'nowhere' }])
      expectOneLine(await read(`${site.origin}/other`, env), new RegExp(`${Object.keys(env)[0]}: `));
    expect(site.requests.map(({ path }) => path)).not.toContain('/kept');
  });
});
