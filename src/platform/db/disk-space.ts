import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../errors.ts';
import { PRIVATE_FILE } from '../private-folder.ts';

/** PostgreSQL needs this to start: a segment of its log, and what a recovery writes. */
const NEEDED_BYTES = 32 * 1024 * 1024;

/** What the trial file is filled with: a quota may end before the disk does. */
const TRIAL_BYTES = 1024 * 1024;

/** The disk, as far as this file looks at it; a test replaces it. */
export interface Disk {
  /** Bytes that this user may still write to the file system of a folder. */
  freeBytes(folder: string): number;
  /** Writes and removes a file. @throws what the file system throws. */
  tryWriting(folder: string, bytes: number): void;
}

const realDisk: Disk = {
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  tryWriting(folder, bytes) {
    const file = path.join(folder, '.space');
    try {
      const descriptor = openSync(file, 'w', PRIVATE_FILE);
      try {
        writeSync(descriptor, Buffer.alloc(bytes, 1));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } finally {
      rmSync(file, { force: true });
    }
  },
};

const FULL_CODES = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Whether the folder's disk has no room, when something in it has failed.
 * @returns AppError `disk-full`; undefined: the disk is not the reason.
 */
export function diskFull(folder: string, cause: unknown, disk: Disk = realDisk): AppError | undefined {
  const freeBytes = disk.freeBytes(folder);
  let isFull = freeBytes < NEEDED_BYTES;
  try {
    disk.tryWriting(folder, TRIAL_BYTES);
  } catch (error) {
    isFull ||= FULL_CODES.has((error as NodeJS.ErrnoException).code ?? '');
  }
  if (!isFull) return undefined;
  return new AppError(
    'disk-full',
    `The disk of DATA_DIR (${folder}) is full: ${megabytes(freeBytes)} MB are free, ${megabytes(NEEDED_BYTES)} are needed.`,
    {
      help: 'Free some space, and start again. Leave the directory as it is: nothing that was committed is lost, and nobody is mailed twice.',
      cause,
    },
  );
}

const megabytes = (bytes: number) => Math.floor(bytes / (1024 * 1024));
