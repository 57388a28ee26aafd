import { randomUUID } from 'node:crypto';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { copyDatabase } from '../helpers/locations.ts';
import { acceptedBatches, acceptedRecipients } from '../helpers/outbox.ts';
import { startCommand } from '../helpers/processes.ts';

const READERS = 700;
/** Sample readers who are pending, unsubscribed or suppressed. */
const NOT_ACTIVE = 40;
/** Sample readers whose only topic has nothing this week. */
const WITHOUT_CONTENT = 2;

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'wv-crash-'));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const demo = () => startCommand(['demo', '--subscribers', String(READERS), '--json'], { DATA_DIR: dataDir });

/** Resolves when `reached` becomes true; it is checked whenever a file below DATA_DIR changes. */
async function whenFiles(folder: string, reached: () => Promise<boolean> | boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  const watcher = watch(folder, { recursive: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const look = () => Promise.resolve(reached()).then((yes) => yes && resolve(), reject);
      watcher.on('change', look);
      watcher.on('error', reject);
      look();
    });
  } finally {
    watcher.close();
  }
}

/** Kills the demo without warning, once `reached`; a demo that was quicker has already finished. */
async function killWhen(folder: string, reached: () => Promise<boolean> | boolean): Promise<void> {
  await using victim = demo();
  await Promise.race([whenFiles(folder, reached), victim.ended]);
}

describe('a process killed without warning', () => {
  test('fault 1: leaves an issue that the same command finishes, with no reader lost or mailed twice', async () => {
    await killWhen(dataDir, () => existsSync(path.join(dataDir, 'db.initialising')));
    for (const batches of [1, 4, 11, 21]) {
      await killWhen(path.join(dataDir, 'outbox'), async () => (await acceptedBatches(dataDir)) >= batches);
    }
    const { code, stderr, stdout } = await demo().ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    JSON.parse(stdout);

    const issues = (await readdir(path.join(dataDir, 'outbox'), { withFileTypes: true })).filter((each) =>
      each.isDirectory(),
    );
    expect(issues).toHaveLength(1);
    const recipients = await acceptedRecipients(dataDir, issues[0]?.name ?? '');
    expect(new Set(recipients).size, 'nobody doubled').toBe(recipients.length);
    expect(recipients.length, 'nobody lost').toBe(READERS - NOT_ACTIVE - WITHOUT_CONTENT);
  }, 300_000);

  test('fault 1: leaves no lease that the next process has to wait for', async () => {
    copyDatabase(dataDir);
    const { config, secrets } = loadConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
    {
      await using app = await createApp(config, secrets);
      await app.queue.enqueue('submit', { batchId: randomUUID() });
      await app.queue.enqueue('events', {});
      // Leases that it holds when the power fails, and until when.
      const pool = app.database.queuePool();
      await pool.query(
        `update job set state = 'active', lock_token = 'of the dead', locked_until_ms = ${Date.now() + 30_000}`,
      );
      await sql`update circuit set failures = 7, reason = 'silence', since = now(), open_until = now() + interval '1 minute'`.execute(
        app.db,
      );
    }
    await using app = await createApp(config, secrets);
    expect(await app.queue.waiting('delivery')).toBe(1);
    expect(await app.queue.waiting('issues')).toBe(1);
    const { rows } = await sql`select failures, open_until <= now() as "isOver" from circuit`.execute(app.db);
    expect(rows).toEqual([{ failures: 7, isOver: true }]);
  }, 300_000);
});
