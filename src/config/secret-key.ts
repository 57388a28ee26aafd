import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makePrivate, PRIVATE_FILE } from '../platform/private-folder.ts';

/**
 * The keys that were given, or else the one that the embedded default makes on first use, readable by its owner only, and
 * keeps in `dataDir`.
 */
export function secretKeys(given: string[], dataDir: string): [string, ...string[]] {
  const [first, ...rest] = given;
  if (first !== undefined) return [first, ...rest];
  const file = path.join(dataDir, 'secret.key');
  if (!existsSync(file)) {
    makePrivate(dataDir);
    // Written aside and linked, so that a crash never leaves half a key; the first link wins.
    const aside = `${file}.${process.pid}`;
    writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, { mode: PRIVATE_FILE });
    try {
      linkSync(aside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(aside);
    }
  }
  return [readFileSync(file, 'utf8').trim()];
}
