import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db/database.ts';
import { createDatabase, type TestDatabase } from './database.ts';

/** A location for one database on one of its two backends. Nothing runs in it until it is opened. */
export interface DatabaseLocation extends AsyncDisposable {
  readonly backend: Database['backend'];
  /** The DATA_DIR: of the embedded database, and of the outbox on both backends. */
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  /** The caller that opens it also closes it, before the location is removed. */
  open(connections?: number): Promise<Database>;
}

/**
 * A new directory under the system's temporary one, removed when disposed. Its name is short, because it holds sockets.
 */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'wv-'));
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Copies the project's database (`made-database.ts`) into a DATA_DIR. */
export function copyDatabase(dataDir: string): void {
  cpSync(path.join(inject('madeDatabase'), 'db'), path.join(dataDir, 'db'), { recursive: true });
}

/** With a database that already has its schema. */
export async function embeddedLocation(): Promise<DatabaseLocation> {
  const location = await emptyLocation();
  copyDatabase(location.dataDir);
  return location;
}

/** The location of a database that does not exist yet. */
export async function emptyLocation(): Promise<DatabaseLocation> {
  const folder = temporaryFolder();
  const dataDir = path.join(folder.path, 'data');
  return {
    backend: 'embedded',
    dataDir,
    databaseUrl: undefined,
    open: (connections = 10) => openDatabase({ databaseUrl: undefined, dataDir, connections }),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

/** Gives a suite the database of its group, before the first of its tests. */
export type WithDatabase = (use: (database: Database, location: DatabaseLocation) => unknown) => void;

/**
 * A database for all tests of a file or group: opened before the first, removed after the last.
 * @param use gets it when it is open.
 * @returns gives it to the suites within the group too, so that they need none of their own.
 */
export function databaseForAll(
  newLocation: () => Promise<DatabaseLocation>,
  use: (database: Database, location: DatabaseLocation) => unknown = () => {},
): WithDatabase {
  let location: DatabaseLocation;
  let database: Database;
  beforeAll(async () => {
    location = await newLocation();
    database = await location.open(20);
    await use(database, location);
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await location?.[Symbol.asyncDispose]();
  });
  return (useToo) => {
    beforeAll(() => useToo(database, location));
  };
}

/** A database that already has its schema. @param server `inject('databaseUrl')` */
export function createMigratedDatabase(server: string): Promise<TestDatabase> {
  return createDatabase(server, { url: inject('migratedDatabaseUrl') });
}

/** With a database that already has its schema. @param server `inject('databaseUrl')` */
export async function postgresLocation(server: string): Promise<DatabaseLocation> {
  return locationOf(await createMigratedDatabase(server));
}

/** With a database that is empty. @param server `inject('databaseUrl')` */
export async function emptyPostgresLocation(server: string): Promise<DatabaseLocation> {
  return locationOf(await createDatabase(server));
}

function locationOf({ url, drop }: TestDatabase): DatabaseLocation {
  const folder = temporaryFolder();
  const dataDir = path.join(folder.path, 'data');
  mkdirSync(dataDir);
  return {
    backend: 'postgres',
    dataDir,
    databaseUrl: url,
    open: (connections = 10) => openDatabase({ databaseUrl: url, dataDir, connections }),
    [Symbol.asyncDispose]: async () => {
      await drop();
      folder[Symbol.dispose]();
    },
  };
}
