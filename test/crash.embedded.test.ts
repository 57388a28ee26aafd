import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptedBatches, acceptedRecipients } from './helpers/outbox.ts';
import { startCommand } from './helpers/processes.ts';

const READERS = 700;
/** Readers of the samples who are pending, gone or suppressed. */
const NOT_ACTIVE = 40;
/** Readers of the samples whose only topic has nothing this week. */
const WITHOUT_CONTENT = 2;

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'wv-crash-'));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const demo = () => startCommand(['demo', '--subscribers', String(READERS), '--json'], { DATA_DIR: dataDir });

/** Resolves when `reached` becomes true; it is asked whenever something below DATA_DIR moves. */
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

/** Kills the demo without warning, once `reached`; a demo that was quicker has simply finished. */
async function killWhen(folder: string, reached: () => Promise<boolean> | boolean): Promise<void> {
  await using victim = demo();
  await Promise.race([whenFiles(folder, reached), victim.ended]);
}

describe('a process killed without warning', () => {
  test('fault 1: leaves an issue that the same command finishes: nobody lost, nobody doubled', async () => {
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
});
