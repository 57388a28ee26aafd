import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { openDatabase } from '../../src/platform/db/database.ts';
import { expectOneLine, runCommand as run } from '../helpers/command.ts';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';
import { startCommand } from '../helpers/processes.ts';

/** Signing in without mail, on the embedded database. */

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
copyDatabase(folder.path);
const env = {
  DATA_DIR: folder.path,
  EDITORS: 'chief@desk.example:publisher, desk@desk.example',
  PORT: '0',
  LOG_LEVEL: 'silent',
};

test('prints a link that still works after the server starts, once, in any browser', async () => {
  const printed = await run(['sign-in', 'Chief@desk.example', '--json'], env);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  const { email, link, minutes } = JSON.parse(printed.stdout);
  expect([email, minutes]).toEqual(['chief@desk.example', 15]);

  await using server = startCommand(['serve'], env);
  const said = await server.says(/listens on http:\/\/127\.0\.0\.1:\d+/);
  const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';
  const press = () => fetch(origin + new URL(link).pathname, { method: 'POST', redirect: 'manual' });
  const opened = await press();
  expect([opened.status, opened.headers.get('location')]).toEqual([303, '/editor']);
  const cookie = opened.headers.getSetCookie().map((each) => each.split(';')[0]);
  const page = await fetch(`${origin}/editor/account`, { headers: { cookie: cookie.join('; ') } });
  expect(await page.text()).toContain('chief@desk.example');
  expect((await press()).status).toBe(403);

  // The server has the database now: the command says what to do.
  const refused = await run(['sign-in', 'chief@desk.example'], env);
  expect(refused.code).toBe(1);
  expectOneLine(refused, /Stop `serve`, run this again, and start it: the link outlives that/);
  server.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});

test('works for editors only, removes lost passkeys, and is recorded', async () => {
  const stranger = await run(['sign-in', 'stranger@desk.example'], env);
  expect(stranger.code).toBe(1);
  expectOneLine(stranger, /not in EDITORS/);
  const { code, stdout } = await run(['sign-in', 'desk@desk.example', '--reset-passkeys'], env);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Passkeys removed: 0\. .*\nhttp:\/\/localhost:0\/editor\/sign-in\/[\w-]{43}\nIt signs in desk@desk\.example, once, within 15 minutes/,
  );
  await using database = await openDatabase({ databaseUrl: undefined, dataDir: folder.path });
  const entries = await listAudit(database.kysely, { limit: 10 });
  expect(entries.map(({ who, what }) => [who?.split(' ')[0], what])).toEqual([
    ['operator', 'link_printed'],
    ['operator', 'passkeys_reset'],
    ['chief@desk.example', 'link_refused'],
    ['chief@desk.example', 'signed_in'],
    ['operator', 'link_printed'],
  ]);
  expect(JSON.stringify(entries)).not.toContain(stdout.split('/').at(-1)?.split('\n')[0] ?? 'x');
});

test('F15: a start without editors ends the links and sessions of former editors', async () => {
  expect((await run(['sign-in', 'chief@desk.example'], env)).code).toBe(0);
  {
    await using server = startCommand(['serve'], { ...env, EDITORS: '' });
    await server.says('listens on');
  }
  await using database = await openDatabase({ databaseUrl: undefined, dataDir: folder.path });
  const { rows } = await sql`
    select email from desk_links where used_at is null and expires_at > now()
    union all select email from desk_sessions where ended_at is null
  `.execute(database.kysely);
  expect(rows).toEqual([]);
  expect((await listAudit(database.kysely, { limit: 1 }))[0]).toMatchObject({ what: 'access_ended' });
});
