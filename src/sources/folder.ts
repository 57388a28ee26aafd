import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { slugFor } from '../comparisons/index.ts';
import { AppError } from '../errors.ts';
import { checkComparison, listFaults } from './faults.ts';
import { Collection, type Gathered } from './gathered.ts';
import { readMarkdown } from './markdown.ts';
import { bodyHash } from './memory.ts';

const MAX_BYTES = 1_000_000;

/**
 * Every comparison of a folder: `*.json` (one, or an array of them) and `*.md` ({@link readMarkdown}), in the
 * order of their names; sub-folders, hidden files and README.md are passed over. A file that cannot be
 * read as comparisons is rejected by name and reason and stops nobody else.
 *
 * @throws AppError `source-missing` where there is no such folder.
 */
export async function gatherFolder(path: string): Promise<Gathered> {
  const gathered = new Collection();
  for (const name of await fileNames(path)) {
    try {
      for (const { label, value } of await readValues(path, name)) {
        const { comparison, faults } = checkComparison(withSlug(value));
        if (comparison) gathered.add(label, comparison);
        else
          gathered.reject({
            name: label,
            reason: listFaults(faults),
            faults,
            bodyHash: bodyHash(JSON.stringify(value)),
          });
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      gathered.reject({ name, reason, faults: [{ field: '', reason }], bodyHash: null });
    }
  }
  return { comparisons: gathered.comparisons, rejected: gathered.rejected };
}

/** A missing slug is made from the names. */
function withSlug(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || 'slug' in value) return value;
  const names = toolNames(value);
  return names ? { ...value, slug: slugFor(...names) } : value;
}

function toolNames(value: object): [string, string] | null {
  const tools: unknown = 'tools' in value ? value.tools : null;
  if (!Array.isArray(tools) || tools.length !== 2) return null;
  const names: unknown[] = tools.map((tool: unknown) =>
    typeof tool === 'object' && tool !== null && 'name' in tool ? tool.name : null,
  );
  const [a, b] = names;
  return typeof a === 'string' && typeof b === 'string' ? [a, b] : null;
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

async function readValues(folder: string, name: string): Promise<{ label: string; value: unknown }[]> {
  const path = join(folder, name);
  const kind = extname(name).toLowerCase();
  if (kind !== '.json' && kind !== '.md') throw new Error('neither .json nor .md');
  const bytes = await readBytes(folder, path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('not UTF-8 text');
  }
  if (kind === '.md') return [{ label: name, value: readMarkdown(text) }];
  const value = readJson(text);
  return Array.isArray(value)
    ? value.map((entry: unknown, index) => ({ label: `${name}[${index}]`, value: entry }))
    : [{ label: name, value }];
}

/** The bytes of an ordinary file of the folder: what links lead to outside of it is nobody's comparison. */
async function readBytes(folder: string, path: string): Promise<Buffer> {
  const real = await realpath(path).catch(() => null);
  if (real === null) throw new Error('a link that leads nowhere');
  const root = await realpath(folder);
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new Error('a link that leads out of the folder');
  if (!(await stat(real)).isFile()) throw new Error('no ordinary file');

  // Should it become a pipe in between, opening does not wait for somebody to write to it.
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

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/u.exec(message)?.[1];
    const line =
      position === undefined ? text.split('\n').length : text.slice(0, Number(position)).split('\n').length;
    throw new Error(`not JSON: ${message.replace(/ in JSON at position.*$/u, '')}, line ${line}`);
  }
}
