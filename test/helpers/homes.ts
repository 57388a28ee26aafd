import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db/database.ts';
import { createDatabase } from './database.ts';

/** A place for one database in one of its two homes. Nothing runs in it until it is opened. */
export interface Place extends AsyncDisposable {
  readonly home: Database['backend'];
  /** The DATA_DIR: of the embedded database, and of the outbox in both homes. */
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  /** Whoever opens it also closes it, before the place goes. */
  open(connections?: number): Promise<Database>;
}

/** A new directory under the system's temporary one, removed when disposed. Its name is short: sockets live in it. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'wv-'));
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Puts a copy of the database that the project made (`made-database.ts`) under a DATA_DIR. */
export function copyDatabase(dataDir: string): void {
  cpSync(path.join(inject('madeDatabase'), 'db'), path.join(dataDir, 'db'), { recursive: true });
}

/** With a database that has its schema already. */
export async function embeddedPlace(): Promise<Place> {
  const place = await emptyPlace();
  copyDatabase(place.dataDir);
  return place;
}

/** Where a database would be made. */
export async function emptyPlace(): Promise<Place> {
  const folder = temporaryFolder();
  const dataDir = path.join(folder.path, 'data');
  return {
    home: 'embedded',
    dataDir,
    databaseUrl: undefined,
    open: (connections = 10) => openDatabase({ databaseUrl: undefined, dataDir, connections }),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

/** Gives a suite the database of the group that it stands in, before the first of its tests. */
export type WithDatabase = (use: (database: Database, place: Place) => unknown) => void;

/**
 * A database for all tests of the file or group that asks for it: open before the first, gone after the last.
 * @param use is given it when it is open.
 * @returns what gives it to the suites within the group too, so that they need none of their own.
 */
export function databaseForAll(
  newPlace: () => Promise<Place>,
  use: (database: Database, place: Place) => unknown = () => {},
): WithDatabase {
  let place: Place;
  let database: Database;
  beforeAll(async () => {
    place = await newPlace();
    database = await place.open(20);
    await use(database, place);
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });
  return (useToo) => {
    beforeAll(() => useToo(database, place));
  };
}

/** @param server `inject('databaseUrl')` */
export async function postgresPlace(server: string): Promise<Place> {
  const folder = temporaryFolder();
  const created = await createDatabase(server);
  const dataDir = path.join(folder.path, 'data');
  mkdirSync(dataDir);
  return {
    home: 'postgres',
    dataDir,
    databaseUrl: created.url,
    open: (connections = 10) => openDatabase({ databaseUrl: created.url, dataDir, connections }),
    [Symbol.asyncDispose]: async () => {
      await created.drop();
      folder[Symbol.dispose]();
    },
  };
}
