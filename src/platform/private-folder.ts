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
 * DATA_DIR holds every reader, every mail and the key that signs their links: it and all in it is for the user who
 * runs the program, and for nobody else on the machine.
 */

/** What every process of the program sets, so that whatever it writes anywhere is for its user alone. */
export const PRIVATE_UMASK = 0o077;
/** For those who write where the umask may be another, as a test does. */
export const PRIVATE_FILE = 0o600;
export const PRIVATE_DIRECTORY = 0o700;

/** Windows has no such modes: there, a user's own folders are private by its access lists. */
const HAS_MODES = process.platform !== 'win32';

/**
 * Makes `folder` if there is none, and closes it and all in it to other users.
 * @throws AppError `data-dir-unusable` when it cannot be made or entered.
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
 * Takes from a folder and from all in it what other users may do. The folder itself comes first, because that alone
 * keeps everybody out. What belongs to another user stays as it is: {@link examineFolder} tells of it. Where there is
 * no such folder, nothing is done.
 */
export function closeFolder(folder: string): void {
  if (!HAS_MODES || !existsSync(folder)) return;
  const real = realpathSync(folder);
  restrict(real, statSync(real));
  for (const name of entriesOf(real)) restrictTree(path.join(real, name), false);
}

/**
 * Takes from a file, or a directory with all in it, what others may do. A directory is closed after what it holds, so
 * that a closed one tells that the work in it was finished; such a one is passed over, unless `again`.
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
    // Another process works in here too; and what belongs to somebody else is theirs to close.
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

/** What {@link closeFolder} could not mend. */
export interface FolderFault {
  /** Whether other users may look inside as it is. */
  isOpen: boolean;
  message: string;
  /** What to do about it. */
  help: string;
}

/**
 * What is wrong with a folder that should be private; nothing when only its user can look inside.
 * @param user the number of the user who runs the program.
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
  // The sticky bit is what makes /tmp safe: there, only its owner may rename an entry.
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    faults.push({
      isOpen: false,
      message: `Everybody may rename what is in ${parent}, and so put another directory in the place of ${real}.`,
      help: `Run: chmod o-w ${quoted(parent)}`,
    });
  }
  return faults;
}

/** The first entry right under a folder, or under its database, that belongs to somebody else. */
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

/** Whether users other than its owner may read a file that holds secrets; false where there is none. */
export function isReadByOthers(file: string): boolean {
  if (!HAS_MODES) return false;
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & 0o004) !== 0;
}

const quoted = (file: string) => (/^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`);
