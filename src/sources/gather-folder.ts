import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { ListedEntry } from '../comparisons/gone/presence.ts';
import { pairKey } from '../comparisons/names.ts';
import { AppError } from '../platform/errors.ts';
import { Postponed } from './crawl/body.ts';
import { listFaults } from './faults.ts';
import { Collection, type GatheredFolder } from './gathered.ts';
import { read } from './thread/thread.ts';

const MAX_BYTES = 1_000_000;

/**
 * Reads every comparison of a folder: `*.json` (one, or an array of them) and `*.md` ({@link readMarkdown}), ordered by
 * name; sub-folders, hidden files and README.md are skipped. A file that holds no valid comparison is rejected with its
 * name and reason, and does not affect the others.
 *
 * @throws AppError `source-missing` when there is no such folder.
 */
export async function gatherFolder(path: string): Promise<GatheredFolder> {
  const gathered = new Collection();
  const entries: ListedEntry[] = [];
  for (const name of await fileNames(path)) {
    try {
      const kind = extname(name).toLowerCase();
      if (kind !== '.json' && kind !== '.md') throw new Error('neither .json nor .md');
      for (const each of await read('file', name, kind, await readBytes(path, join(path, name)))) {
        const { label } = each;
        if ('comparison' in each) {
          gathered.add(label, each.comparison);
          entries.push({ entry: name, pairKey: pairKey(each.comparison), state: 'inline' });
        } else {
          entries.push(unread(name));
          const { faults, bodyHash } = each;
          gathered.reject({ name: label, reason: listFaults(faults), faults, bodyHash });
        }
      }
    } catch (error) {
      if (error instanceof Postponed) throw error;
      entries.push(unread(name));
      const reason = error instanceof Error ? error.message : String(error);
      gathered.reject({ name, reason, faults: [{ field: '', reason }], bodyHash: null });
    }
  }
  return { comparisons: gathered.comparisons, rejected: gathered.rejected, entries };
}

/** What a file holds that cannot be read is still there. */
function unread(name: string): ListedEntry {
  return { entry: name, pairKey: null, state: 'listed' };
}

async function fileNames(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !/^\.|^readme\.md$|~$/iu.test(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is a file' : `cannot be read (${code})`;
    throw new AppError('source-missing', `The folder "${path}" ${why}.`, {
      help: 'Correct the "folder:" entry of SOURCES.',
      cause: error,
    });
  }
}

/** Reads an ordinary file of the folder; a link that leads outside of it is refused. */
async function readBytes(folder: string, path: string): Promise<Buffer> {
  const real = await realpath(path).catch(() => null);
  if (real === null) throw new Error('a link that leads nowhere');
  const root = await realpath(folder);
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new Error('a link that leads out of the folder');
  if (!(await stat(real)).isFile()) throw new Error('no ordinary file');

  // Opening must not block, in case the file became a pipe meanwhile.
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const state = await file.stat();
    if (!state.isFile()) throw new Error('no ordinary file');
    if (state.size > MAX_BYTES) throw new Error(`${(state.size / 1e6).toFixed(1)} MB, at most 1 MB is read`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
