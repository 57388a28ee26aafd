import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, realpathSync, renameSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { AppError } from '../errors.ts';
import { makePrivate, PRIVATE_FILE } from '../private-folder.ts';

/**
 * Allows one process per DATA_DIR. PGlite is a whole PostgreSQL inside one process: two of them on the same files
 * destroy each other. The lock is a listening Unix socket (a named pipe on Windows), because the kernel closes it with
 * the process: after `kill -9` no stale lock looks alive, and no timeout must be guessed.
 *
 * @throws AppError `data-dir-locked` when another process holds it; that process is not disturbed.
 */
export async function lockDataDir(dataDir: string): Promise<AsyncDisposable> {
  makePrivate(dataDir);
  const address = lockAddress(realpathSync(dataDir));
  const server = net.createServer((socket) => socket.destroy());
  server.unref();

  if (process.platform === 'win32') {
    await listen(server, address).catch((error) => {
      throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? refusal(dataDir) : error;
    });
    return { [Symbol.asyncDispose]: () => close(server) };
  }

  // Binds to a unique name first and then links it: `link` fails when the name is taken, but `bind` after `unlink`
  // would not.
  const own = `${address}.${randomBytes(4).toString('hex')}`;
  rmSync(own, { force: true });
  await listen(server, own);
  chmodSync(own, PRIVATE_FILE);
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        linkSync(own, address);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 5) throw error;
        const found = inodeOf(address);
        if (await answers(address)) throw refusal(dataDir);
        if (found !== undefined) discardStale(address, found);
      }
    }
  } catch (error) {
    await close(server);
    throw error;
  } finally {
    // The socket stays reachable under the linked name; a killed process leaves only that name behind.
    rmSync(own, { force: true });
  }
  const inode = inodeOf(address);
  return {
    async [Symbol.asyncDispose]() {
      if (inodeOf(address) === inode) rmSync(address, { force: true });
      await close(server);
    },
  };
}

function inodeOf(address: string): number | undefined {
  return lstatSync(address, { throwIfNoEntry: false })?.ino;
}

function refusal(dataDir: string): AppError {
  return new AppError('data-dir-locked', `Another Weekly Verdict process is using ${dataDir}.`, {
    help: 'Stop it first, set another DATA_DIR, or set DATABASE_URL to share a PostgreSQL between processes.',
  });
}

/** Unix socket names are limited to about 100 bytes; a longer one moves to the temporary directory. */
function lockAddress(dataDir: string): string {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\weekly-verdict-${id}`;
  const inside = path.join(dataDir, 'lock');
  return Buffer.byteLength(inside) <= 80 ? inside : path.join(os.tmpdir(), `weekly-verdict-${id}`);
}

/**
 * Removes the dead socket that was found, and no other: of two processes that find it, the slower one must not remove
 * the live socket that the faster one created meanwhile.
 */
function discardStale(address: string, dead: number): void {
  const aside = `${address}.stale.${randomBytes(4).toString('hex')}`;
  try {
    if (inodeOf(address) !== dead) return;
    renameSync(address, aside);
    // Another process replaced it before the rename: put it back.
    if (inodeOf(aside) !== dead) linkSync(aside, address);
    rmSync(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listen(server: net.Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
