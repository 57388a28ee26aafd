import { Kysely, Migrator, PostgresDialect } from 'kysely';
import { expect } from 'vitest';
import { openEmbedded } from '../../src/platform/db/embedded-postgres.ts';
import { migrations } from '../../src/platform/db/migrations/all-migrations.ts';
import { embeddedPool, serverPool } from '../../src/platform/db/pool.ts';
import type { DatabaseLocation } from './locations.ts';

/** Makes a database at an older migration, and lets `fill` insert the rows of that version. */
export async function migrateTo(
  name: string,
  location: DatabaseLocation,
  fill: (db: Kysely<unknown>) => Promise<void>,
): Promise<void> {
  const released = Object.entries(migrations).filter(([each]) => each <= name);
  const embedded = location.databaseUrl === undefined ? await openEmbedded(location.dataDir) : undefined;
  const pool = embedded
    ? embeddedPool(embedded, 'public', 2)
    : serverPool(location.databaseUrl ?? '', 'public', { max: 2 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const provider = { getMigrations: async () => Object.fromEntries(released) };
  expect((await new Migrator({ db, provider }).migrateToLatest()).error).toBeUndefined();
  await fill(db);
  await db.destroy();
  await embedded?.[Symbol.asyncDispose]();
}
