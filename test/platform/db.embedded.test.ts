import { cpSync, watch } from 'node:fs';
import { lstat, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, Database } from '../../src/platform/db/database.ts';
import { prepared } from '../../src/platform/db/prepared.ts';
import { explain } from '../../src/platform/errors.ts';
import { describeDatabase } from '../conformance/database.ts';
import {
  type DatabaseLocation,
  embeddedLocation,
  emptyLocation,
  temporaryFolder,
} from '../helpers/locations.ts';
import { type Process, start } from '../helpers/processes.ts';

describeDatabase('PGlite', emptyLocation);

const CHILD = 'test/helpers/child-database.ts';

const storedIn = async (db: Connection) =>
  (
    await sql<{ batch: number; rows: number }>`
    select batch, count(*) as rows from stored group by batch order by batch
  `.execute(db)
  ).rows;

let location: DatabaseLocation;
beforeAll(async () => {
  location = await embeddedLocation();
});
afterAll(async () => {
  await location?.[Symbol.asyncDispose]();
});

describe('one process for one DATA_DIR', () => {
  it('refuses a second process and a second opener, and the first continues', async () => {
    await using first = start(CHILD, ['hold', location.dataDir]);
    await first.says('open');
    expect(await start(CHILD, ['hold', location.dataDir]).ended).toMatchObject({
      code: 0,
      stdout: 'refused data-dir-locked\n',
    });
    const refusal = await location.open().catch((reason: unknown) => reason);
    expect(refusal).toMatchObject({ code: 'data-dir-locked' });
    expect(explain(refusal)).toContain(location.dataDir);
    expect(explain(refusal)).toContain('DATABASE_URL');

    first.tell('7');
    await first.says('stored 7');
    first.kill('SIGKILL');
    await first.ended;
    await using database = await location.open();
    expect(await storedIn(database.kysely)).toEqual([{ batch: 7, rows: 1 }]);
  });

  it('takes over the lock of a killed process, once, and leaves no file behind', async () => {
    const dead = start(CHILD, ['hold', location.dataDir]);
    await dead.says('open');
    dead.kill('SIGKILL');
    await dead.ended;
    expect((await lstat(path.join(location.dataDir, 'lock'))).isSocket()).toBe(true);

    const heirs = Array.from({ length: 4 }, () => start(CHILD, ['hold', location.dataDir]));
    const said = await Promise.all(heirs.map(saidFirst));
    expect(said.filter((line) => line === 'open')).toHaveLength(1);
    expect(said.filter((line) => line === 'refused data-dir-locked')).toHaveLength(3);
    await Promise.all(heirs.map((heir) => heir[Symbol.asyncDispose]()));

    await using database = await location.open();
    expect(database.backend).toBe('embedded');
    expect((await readdir(location.dataDir)).filter((name) => name !== 'db')).toEqual(['lock']);
  });

  it('takes over a dead socket, and a name too long for a socket', async () => {
    using folder = temporaryFolder();
    const dataDir = path.join(folder.path, 'deep'.repeat(30));
    cpSync(path.join(location.dataDir, 'db'), path.join(dataDir, 'db'), { recursive: true });
    await using first = start(CHILD, ['hold', dataDir]);
    await first.says('open');
    expect((await start(CHILD, ['hold', dataDir]).ended).stdout).toBe('refused data-dir-locked\n');
    first.kill('SIGKILL');
    await first.ended;
    const again = start(CHILD, ['hold', dataDir]);
    await again.says('open');
    // Let it end by itself, so that the socket in the shared temporary directory is removed too.
    again.end();
    expect(await again.ended).toMatchObject({ code: 0 });
  });
});

describe('a database whose process was killed', () => {
  it('opens again with all committed rows', async () => {
    await using before = await location.open();
    await sql`drop table if exists stored`.execute(before.kysely);
    await before[Symbol.asyncDispose]();
    let committed = 0;
    for (const until of [3, 40]) {
      const child = start(CHILD, ['write', location.dataDir]);
      await child.says(`committed ${until}.`);
      child.kill('SIGKILL');
      const { stdout } = await child.ended;
      committed += Number(/committed (\d+)\.\s*$/.exec(stdout)?.[1]);
    }
    await using database = await location.open();
    const stored = await storedIn(database.kysely);
    const rows = stored.reduce((sum, batch) => sum + batch.rows, 0);
    expect(stored.every((batch) => batch.rows % 3 === 0)).toBe(true);
    // The kill may come between a commit and its message, twice.
    expect(rows / 3 - committed).toBeGreaterThanOrEqual(0);
    expect(rows / 3 - committed).toBeLessThanOrEqual(2);
    // And it works: a damaged index would fail here.
    await sql`reindex table stored`.execute(database.kysely);
  });

  it.each([
    ['before there are files', 'db.initialising'],
    ['in the middle of its files', 'db/pg_wal'],
  ])('killed during its creation, %s, is created again', async (_, sign) => {
    await using location = await emptyLocation();
    await mkdir(location.dataDir, { recursive: true });
    const child = start(CHILD, ['hold', location.dataDir]);
    await appears(location.dataDir, sign, child);
    child.kill('SIGKILL');
    expect((await child.ended).stdout).toBe('');
    expect(await readdir(location.dataDir)).toContain('db.initialising');

    await using database: Database = await location.open();
    expect((await sql`select count(*) from issues`.execute(database.kysely)).rows).toEqual([{ count: 0 }]);
    expect(await readdir(location.dataDir)).not.toContain('db.initialising');
  });

  it('D5: that ended by a fault opens again by itself, and keeps what was committed', async () => {
    await using location = await embeddedLocation();
    await using database = await location.open();
    const db = database.kysely;
    await sql`create table kept (n integer)`.execute(db);
    await sql`insert into kept values (1)`.execute(db);
    const count = prepared<{ count: number }>('count_kept')`select count(*) from kept`;
    const blocked = path.join(location.dataDir, 'db', 'pg_logical', 'replorigin_checkpoint.tmp');
    // What a checkpoint cannot write, as on a full disk, ends PostgreSQL.
    await mkdir(blocked);
    const [ended, waiting] = await Promise.allSettled([
      sql`checkpoint`.execute(db),
      sql`insert into kept values (2)`.execute(db),
    ]);
    expect(ended).toMatchObject({
      reason: { message: expect.stringMatching(/^the embedded database stopped: /) },
    });
    await rmdir(blocked);
    await expect
      .poll(async () => (await count.execute(db)).rows[0]?.count)
      .toBe(waiting.status === 'fulfilled' ? 2 : 1);
    await sql`insert into kept values (3)`.execute(db);
    await sql`checkpoint`.execute(db);
  });

  it('that cannot be repaired reports its location and what to do', async () => {
    await using location = await emptyLocation();
    await mkdir(path.join(location.dataDir, 'db'), { recursive: true });
    await writeFile(path.join(location.dataDir, 'db', 'PG_VERSION'), '17\n');
    const error = await location.open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'database-damaged' });
    expect(explain(error)).toContain(path.join(location.dataDir, 'db'));
    // D5: no advice destroys, and a backup is not taken for the present.
    expect(explain(error)).toContain('"After restoring a backup"');
    expect(explain(error)).not.toContain('move it away');
    // The lock is free again.
    expect(await location.open().catch((reason: unknown) => reason)).toMatchObject({
      code: 'database-damaged',
    });
  });
});

it('refuses to use a path whose socket another program answers', async () => {
  await using location = await emptyLocation();
  await mkdir(location.dataDir, { recursive: true });
  const other = net.createServer((socket) => socket.destroy()).listen(path.join(location.dataDir, 'lock'));
  try {
    await expect(location.open()).rejects.toMatchObject({ code: 'data-dir-locked' });
  } finally {
    other.close();
  }
});

/** The first line that a child prints. */
async function saidFirst(child: Process): Promise<string | undefined> {
  return (await child.says('\n')).split('\n')[0];
}

/** Waits until a file appears in an existing folder. */
async function appears(folder: string, file: string, child: Process): Promise<void> {
  const there = () =>
    lstat(path.join(folder, file)).then(
      () => true,
      () => false,
    );
  const watcher = watch(folder, { recursive: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const look = async () => {
        if (await there()) resolve();
      };
      watcher.on('change', look);
      void look();
      void child.ended.then((end) => reject(new Error(`ended first: ${JSON.stringify(end)}`)));
    });
  } finally {
    watcher.close();
  }
}

describe('a long series of transactions', () => {
  it('lets sockets and timers of this process run', async () => {
    await using database = await location.open();
    let turns = 0;
    let isRunning = true;
    const turn = () => {
      turns += 1;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    for (let round = 0; round < 200; round += 1) {
      await database.kysely.transaction().execute(async (tx) => {
        await sql`select count(*) from generate_series(1, 20000)`.execute(tx);
      });
    }
    isRunning = false;
    expect(turns).toBeGreaterThan(20);
  });
});

it('F7: rows read from the embedded database do not stay in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  await using database = await location.open();
  const read = async (times: number) => {
    for (let count = 0; count < times; count += 1)
      await sql`select repeat('x', 100000) as large`.execute(database.kysely);
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await read(10);
  expect((await read(300)) - before, 'bytes that 30 MB of rows left behind').toBeLessThan(5_000_000);
});
