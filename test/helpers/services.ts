import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/platform/db/database.ts';
import { cleanUpFolder, cleanUpProcess, type Ending } from './cleanup.ts';
import { createDatabase, type TestDatabase } from './database.ts';

/**
 * PostgreSQL and Redis for the `services` project: started once before its first test, on loopback and free ports, with
 * their files in a temporary directory, and removed afterwards.
 *
 * - `DATABASE_URL_TEST`, `REDIS_URL_TEST`: use these running services and start nothing;
 * - `POSTGRES_BIN` (directory), `REDIS_SERVER` (file): the programs, when they are not found;
 * - `REQUIRE_SERVICES=1`: a missing service is a failure. Otherwise its URL is '' and its tests skip.
 */
declare module 'vitest' {
  interface ProvidedContext {
    /** A database whose user may create others (see `createDatabase`); '' when there is no PostgreSQL. */
    databaseUrl: string;
    /** A Redis that belongs to the test run; '' when there is none. */
    redisUrl: string;
    /** A database with the newest schema and no rows, to be copied (`createDatabase`); '' when there is no PostgreSQL. */
    migratedDatabaseUrl: string;
    /** Why the URLs are empty, for the totals at the end; '' when both services run. */
    servicesMissing: string;
  }
}

/** A running program that {@link Service.stop} ends, in any state. */
export interface Service {
  readonly url: string;
  /**
   * Ends the program by `signal` and starts it again on its port and its files; resolves when it listens. For
   * PostgreSQL `SIGQUIT` is an immediate shutdown, from which it recovers; Redis keeps no files and comes back empty.
   */
  restart(signal: NodeJS.Signals): Promise<void>;
  /** Ends the program, waits for its end and removes its files. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Directory of `postgres` and `initdb`, or null. Debian does not put them on the PATH, hence the other directories. The
 * newest version is used.
 */
export function findPostgres(env: NodeJS.ProcessEnv = process.env): string | null {
  const versions = list('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  const candidates = [
    ...(env.PATH ?? '').split(delimiter),
    output('pg_config', ['--bindir']),
    ...versions.map((version) => `/usr/lib/postgresql/${version}/bin`),
  ];
  const has = (dir: string) => executable(join(dir, 'postgres')) && executable(join(dir, 'initdb'));
  // A directory that was named is the only one.
  return (env.POSTGRES_BIN ? [env.POSTGRES_BIN] : candidates).find((dir) => dir && has(dir)) ?? null;
}

/** Path of `redis-server`, or null. */
export function findRedis(env: NodeJS.ProcessEnv = process.env): string | null {
  const candidates = (env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'redis-server'));
  // A file that was named is the only one.
  return (env.REDIS_SERVER ? [env.REDIS_SERVER] : candidates).find(executable) ?? null;
}

/**
 * Starts a PostgreSQL of its own: trust authentication, loopback, `fsync` off (its data need not survive).
 * @param bin from {@link findPostgres}.
 * @param more settings; a test that kills PostgreSQL needs `synchronous_commit` on, or it loses committed rows.
 * @param env variables of the server, beside those of this process.
 * @throws with the output when `initdb` or `postgres` fails; nothing is left behind.
 */
export async function startPostgres(
  bin: string,
  more: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<Service> {
  const owner = unprivilegedUser();
  const dir = temporaryDirectory(owner);
  try {
    const data = join(dir, 'data');
    const as = owner ? { uid: owner.uid, gid: owner.gid } : {};
    const locale = process.platform === 'linux' ? ['--locale=C.UTF-8'] : [];
    execFileSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', ...locale, '--no-sync'],
      { ...as, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const port = await freePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: dir,
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '200',
      ...more,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return await run({
      file: join(bin, 'postgres'),
      args: ['-D', data, '-p', String(port), ...options],
      as,
      env,
      dir,
      ready: 'database system is ready to accept connections',
      // SIGINT is "fast shutdown": it ends the sessions that a test left open.
      stopSignal: 'SIGINT',
      ending: 'QUIT',
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    });
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Starts a Redis of its own, configured as BullMQ needs it. A test that has to kill or restart Redis starts one with
 * this, on a `port` for its restart, and does not touch the shared one.
 * @param file from {@link findRedis}.
 * @param env variables of the server, beside those of this process.
 */
export async function startRedis(
  file: string,
  port?: number,
  env: Record<string, string> = {},
): Promise<Service> {
  const chosen = port ?? (await freePort());
  const dir = temporaryDirectory(null);
  const options = {
    bind: '127.0.0.1',
    port: String(chosen),
    dir,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
  };
  return run({
    file,
    args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    as: {},
    env,
    dir,
    ready: 'Ready to accept connections',
    stopSignal: 'SIGTERM',
    ending: 'KILL',
    url: `redis://127.0.0.1:${chosen}`,
  });
}

/** Path of `pgbouncer`, or null. */
export function findPgBouncer(env: NodeJS.ProcessEnv = process.env): string | null {
  const candidates = [...(env.PATH ?? '').split(delimiter), '/usr/sbin'].map((dir) => join(dir, 'pgbouncer'));
  return (env.PGBOUNCER ? [env.PGBOUNCER] : candidates).find(executable) ?? null;
}

/**
 * Starts a PgBouncer of its own, with its settings as packaged, in front of a database of the `services` project.
 * @param file from {@link findPgBouncer}.
 */
export async function startPgBouncer(
  file: string,
  databaseUrl: string,
  mode: 'session' | 'transaction' | 'statement',
): Promise<Service> {
  const owner = unprivilegedUser();
  const dir = temporaryDirectory(owner);
  const { hostname, port: serverPort, pathname, username } = new URL(databaseUrl);
  const port = await freePort();
  const settings = join(dir, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]
* = host=${hostname} port=${serverPort} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = 20
`,
  );
  return run({
    file,
    args: [settings],
    as: owner ? { uid: owner.uid, gid: owner.gid } : {},
    env: {},
    dir,
    ready: 'process up',
    stopSignal: 'SIGINT',
    ending: 'KILL',
    url: `postgres://${username}@127.0.0.1:${port}${pathname}`,
  });
}

/** A TCP port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address to take a port from');
  return address.port;
}

const started: Service[] = [];
let migrated: TestDatabase | undefined;
const hangUp = () => process.exit(129);

/** Vitest calls this before the first test of the project; it provides the URLs. */
export async function setup(project: TestProject): Promise<void> {
  // Vitest turns SIGINT and SIGTERM into an exit by itself; a closed terminal must be handled here.
  process.once('SIGHUP', hangUp);
  const missing: string[] = [];
  const find = async (name: string, given: string | undefined, start: () => Promise<Service | null>) => {
    if (given) return given;
    try {
      const service = await start();
      if (service === null) {
        missing.push(`${name} not found`);
        return '';
      }
      started.push(service);
      return service.url;
    } catch (error) {
      // Installed, but broken: it counts as missing, and the reason is printed.
      const why = error instanceof Error ? error.message : String(error);
      missing.push(`${name} does not start (${why.replace(/\s+/gu, ' ').slice(0, 400)})`);
      return '';
    }
  };

  const { DATABASE_URL_TEST, REDIS_URL_TEST, REQUIRE_SERVICES } = process.env;
  const databaseUrl = await find('PostgreSQL', DATABASE_URL_TEST, async () => {
    const bin = findPostgres();
    return bin === null ? null : startPostgres(bin);
  });
  const redisUrl = await find('Redis', REDIS_URL_TEST, async () => {
    const file = findRedis();
    return file === null ? null : startRedis(file);
  });

  if (REQUIRE_SERVICES === '1' && findPgBouncer() === null) missing.push('PgBouncer not found');
  if (databaseUrl !== '') migrated = await migratedDatabase(databaseUrl);
  project.provide('databaseUrl', databaseUrl);
  project.provide('migratedDatabaseUrl', migrated?.url ?? '');
  project.provide('redisUrl', redisUrl);
  project.provide('servicesMissing', missing.join(', '));
  if (missing.length > 0 && REQUIRE_SERVICES === '1') {
    const error = new Error(
      `REQUIRE_SERVICES=1, but ${missing.join(' and ')}: install postgresql, redis-server and pgbouncer, or set ` +
        'POSTGRES_BIN, REDIS_SERVER and PGBOUNCER, or point DATABASE_URL_TEST and REDIS_URL_TEST at running ones.',
    );
    // One clear line, without a stack. Reported rather than thrown, because an exception here stops the other projects
    // too and is hidden below "No test files found".
    error.stack = '';
    project.vitest.state.catchError(error, 'Missing Service');
  }
}

/** Vitest calls this after the last test of the project. */
export async function teardown(): Promise<void> {
  process.off('SIGHUP', hangUp);
  await migrated?.drop();
  await Promise.all(started.splice(0).map((service) => service.stop()));
}

/** Copying a database takes a tenth of the time that its migrations take. */
async function migratedDatabase(server: string): Promise<TestDatabase> {
  const created = await createDatabase(server);
  const dataDir = temporaryDirectory(null);
  await using _database = await openDatabase({ databaseUrl: created.url, dataDir });
  rmSync(dataDir, { recursive: true, force: true });
  return created;
}

interface Program {
  file: string;
  args: string[];
  as: { uid?: number; gid?: number };
  env: Record<string, string>;
  dir: string;
  /** Its output when it listens. */
  ready: string;
  stopSignal: NodeJS.Signals;
  /** When the test run itself is ended. */
  ending: Ending;
  url: string;
}

async function run(program: Program): Promise<Service> {
  const { dir, url, stopSignal } = program;
  const release = cleanUpFolder(dir);
  let running = launch(program);

  const end = async (signal: NodeJS.Signals) => {
    const { child, exited } = running;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  const stop = async () => {
    await end(stopSignal);
    rmSync(dir, { recursive: true, force: true });
    release();
  };
  const start = async () => {
    const failure = await running.failure;
    if (failure === null) return;
    await stop();
    throw new Error(`${program.file} did not start: ${failure}`);
  };
  await start();
  const restart = async (signal: NodeJS.Signals) => {
    await end(signal);
    running = launch(program);
    await start();
  };
  return { url, restart, stop };
}

/** `failure`: null once it listens, or its output when it failed. */
function launch({ file, args, as, env, dir, ready, ending }: Program) {
  const child = spawn(file, args, {
    ...as,
    env: { ...process.env, ...env },
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanUpProcess(child, ending);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let said = '';
  const failure = new Promise<string | null>((resolve) => {
    const listen = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
      if (said.includes(ready)) resolve(null);
    };
    // The streams stay open and are read to the end, or a server with much output would block on a full pipe.
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', (error) => {
      said += error.message;
    });
    void exited.then(() => resolve(said.trim()));
  });
  return { child, exited, failure };
}

/** PostgreSQL refuses to run as root, so root switches to a user that every Debian has. Null: stay the current user. */
function unprivilegedUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = Number(output('id', ['-u', name]) || Number.NaN);
    const gid = Number(output('id', ['-g', name]) || Number.NaN);
    if (uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as.',
  );
}

/** Short, because a Unix socket's path must fit in about 100 bytes. */
function temporaryDirectory(owner: { uid: number; gid: number } | null): string {
  const dir = mkdtempSync(join(tmpdir(), 'verdict-'));
  chmodSync(dir, 0o700);
  if (owner) chownSync(dir, owner.uid, owner.gid);
  return dir;
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** A program's output, trimmed; '' when it does not exist or fails. */
function output(file: string, args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
