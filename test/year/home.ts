import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cleanUpFolder } from '../helpers/cleanup.ts';
import { createDatabase } from '../helpers/database.ts';
import { findPostgres, findRedis, type Service, startPostgres, startRedis } from '../helpers/services.ts';
import { VirtualClock } from './clock.ts';

export type Store = 'embedded' | 'services';

/** Where the program of a year lives: its folder, its database and its queue, under one clock. */
export interface Home extends AsyncDisposable {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly folder: string;
  /** Settings that lead the program to its database. */
  readonly env: Record<string, string>;
}

const LIBRARIES = [
  process.env.LIBFAKETIME,
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
];

/** What a year on services needs and this machine does not have; empty when it has everything. */
export function missingServices(): string {
  const found = {
    PostgreSQL: findPostgres() !== null,
    Redis: findRedis() !== null,
    libfaketime: fakeTimeLibrary() !== undefined,
  };
  return Object.entries(found)
    .filter(([, isThere]) => !isThere)
    .map(([name]) => `${name} not found`)
    .join(', ');
}

function fakeTimeLibrary(): string | undefined {
  return LIBRARIES.find((file) => file && existsSync(file));
}

/** @param start the first moment of the year. */
export async function openHome(store: Store, start: Date): Promise<Home> {
  const folder = mkdtempSync(path.join(tmpdir(), 'wv-year-'));
  // PostgreSQL runs as another user, and must read the time.
  chmodSync(folder, 0o755);
  const release = cleanUpFolder(folder);
  const services: Service[] = [];
  const timeFile = path.join(folder, 'time');
  const clock = new VirtualClock(start, timeFile);
  const close = async () => {
    await Promise.all(services.map((service) => service.stop()));
    clock[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    release();
  };
  try {
    const env: Record<string, string> = { DATA_DIR: path.join(folder, 'data') };
    if (store === 'services') {
      const library = fakeTimeLibrary();
      const [bin, file] = [findPostgres(), findRedis()];
      if (library === undefined || bin === null || file === null) throw new Error(missingServices());
      const time = {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: timeFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const postgres = await startPostgres(bin, {}, time);
      services.push(postgres);
      // Its own allocator asks for the time before libfaketime is ready, and both wait for each other.
      const redis = await startRedis(file, undefined, { ...time, LD_PRELOAD: `${library}:libc.so.6` });
      services.push(redis);
      env.DATABASE_URL = (await createDatabase(postgres.url)).url;
      env.REDIS_URL = redis.url;
    }
    return { store, clock, folder, env, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
