import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { start } from '../helpers/processes.ts';

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a test that %s ends leaves no process and no file',
  async (signal) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'wv-cleanup '));
    await writeFile(path.join(folder, 'a file'), '');
    await using child = start('test/helpers/child-cleanup.ts', [folder]);
    await child.says('at work');
    child.kill(signal);
    // Its output is closed when the last process that can write to it has ended: the program that it had registered.
    await child.ended;
    await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  },
  60_000,
);
