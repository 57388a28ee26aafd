import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makePrivate, PRIVATE_FILE } from '../platform/private-folder.ts';

/**
 * Returns the configured keys, or else the key that the embedded default creates on first use and stores in
 * `dataDir`, readable by its owner only.
 */
export function secretKeys(given: string[], dataDir: string): [string, ...string[]] {
  const [first, ...rest] = given;
  if (first !== undefined) return [first, ...rest];
  const file = path.join(dataDir, 'secret.key');
  if (!existsSync(file)) {
    makePrivate(dataDir);
    // Written to a temporary file and then linked, so that a crash never leaves half a key; the first link wins.
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, `${randomBytes(32).toString('base64url')}\n`, { mode: PRIVATE_FILE });
    try {
      linkSync(temporary, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(temporary);
    }
  }
  return [readFileSync(file, 'utf8').trim()];
}
