import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, openDatabase } from '../../src/db/index.ts';
import { createDatabase } from './database.ts';

/** A place for one database in one of its two homes. Nothing is in it until it is opened. */
export interface Place extends AsyncDisposable {
  readonly home: Database['home'];
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

export async function embeddedPlace(): Promise<Place> {
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
