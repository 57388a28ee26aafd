import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { AppError } from './errors.ts';

/**
 * DATA_DIR holds every reader, every mail and the key that signs their links. It and everything in it belong to the
 * user who runs the program, and no other user may read them.
 */

/** The umask of every process of the program, so that only its user can read the files it writes. */
export const PRIVATE_UMASK = 0o077;
/** Modes for code that may run under another umask, such as a test. */
export const PRIVATE_FILE = 0o600;
export const PRIVATE_DIRECTORY = 0o700;

/** Windows has no such modes: there, access lists keep a user's own folders private. */
const HAS_MODES = process.platform !== 'win32';

/**
 * Creates `folder` if needed, and closes it and everything in it to other users.
 * @throws AppError `data-dir-unusable` when it cannot be created or entered.
 */
export function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_DIRECTORY });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AppError('data-dir-unusable', `DATA_DIR cannot be used (${code ?? message}): ${folder}.`, {
      help: `It must be a directory that user ${process.getuid?.() ?? 'of this process'} may read and write; give it with chown, or set another DATA_DIR.`,
      cause: error,
    });
  }
  closeFolder(folder);
}

/**
 * Removes the rights of other users from a folder and everything in it. The folder itself comes first, because that
 * alone keeps everybody out. Entries of other users stay unchanged: {@link examineFolder} reports them. A missing
 * folder is ignored.
 */
export function closeFolder(folder: string): void {
  if (!HAS_MODES || !existsSync(folder)) return;
  const real = realpathSync(folder);
  restrict(real, statSync(real));
  for (const name of entriesOf(real)) restrictTree(path.join(real, name), false);
}

/**
 * Removes the rights of others from a file, or a directory and everything in it. A directory is closed after its
 * entries, so that a closed directory proves that its entries are done; it is skipped, unless `again`.
 */
export function restrictTree(entry: string, again: boolean): void {
  if (!HAS_MODES) return;
  try {
    const stats = lstatSync(entry);
    if (stats.isSymbolicLink()) return;
    if (stats.isDirectory() && (again || isOpenToOthers(stats)))
      for (const name of readdirSync(entry)) restrictTree(path.join(entry, name), again);
    restrict(entry, stats);
  } catch (error) {
    // Another process works in this folder too, and other users' entries are theirs to close.
    if (!PASSED_OVER.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

const PASSED_OVER = new Set<unknown>(['ENOENT', 'EACCES', 'EPERM']);

function restrict(entry: string, stats: Stats): void {
  if (!isOpenToOthers(stats)) return;
  try {
    chmodSync(entry, stats.mode & 0o700);
  } catch (error) {
    if (!PASSED_OVER.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

const isOpenToOthers = ({ mode }: Stats) => (mode & 0o077) !== 0;

/** A fault that {@link closeFolder} could not fix. */
export interface FolderFault {
  /** Whether other users can read the folder now. */
  isOpen: boolean;
  message: string;
  /** How to fix it. */
  help: string;
}

/**
 * The faults of a folder that should be private; none when only its user can read it.
 * @param user the uid of the user who runs the program.
 */
export function examineFolder(folder: string, user = process.getuid?.()): FolderFault[] {
  if (!HAS_MODES || !existsSync(folder)) return [];
  const real = realpathSync(folder);
  const stats = statSync(real);
  const isOpen = isOpenToOthers(stats);
  const faults: FolderFault[] = [];
  const stranger = stats.uid === user ? firstOfOthers(real, user) : real;
  if (stranger !== undefined) {
    faults.push({
      isOpen,
      message: `${stranger} belongs to another user, and the program runs as user ${user}.`,
      help: `Run: chown -R ${user} ${quoted(real)} && chmod 700 ${quoted(real)}`,
    });
  } else if (isOpen) {
    faults.push({
      isOpen,
      message: `Other users may look into ${real}, and its mode cannot be changed: its file system keeps none.`,
      help: 'Move DATA_DIR to a file system of this machine (ext4, xfs, apfs), or mount this one with umask=077.',
    });
  }
  const parent = path.dirname(real);
  const { mode } = statSync(parent);
  // The sticky bit makes /tmp safe: only the owner of an entry may rename it.
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    faults.push({
      isOpen: false,
      message: `Everybody may rename what is in ${parent}, and so put another directory in the place of ${real}.`,
      help: `Run: chmod o-w ${quoted(parent)}`,
    });
  }
  return faults;
}

/** The first entry directly in a folder, or in its database, that belongs to another user. */
function firstOfOthers(folder: string, user: number | undefined): string | undefined {
  return [folder, path.join(folder, 'db')]
    .flatMap((place) => entriesOf(place).map((name) => path.join(place, name)))
    .find((entry) => {
      const stats = lstatSync(entry, { throwIfNoEntry: false });
      return stats !== undefined && user !== undefined && stats.uid !== user;
    });
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether users other than the owner may read a file of secrets; false when it does not exist. */
export function isReadByOthers(file: string): boolean {
  if (!HAS_MODES) return false;
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & 0o004) !== 0;
}

const quoted = (file: string) => (/^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`);
