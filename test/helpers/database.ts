import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A database of one's own on the server of the `services` project. */
export interface TestDatabase {
  readonly url: string;
  /** Removes the database, and the sessions that are still in it. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database for one test file, so that files never see each other's rows.
 * @param databaseUrl `inject('databaseUrl')`; its user must be allowed to create databases.
 */
export async function createDatabase(databaseUrl: string): Promise<TestDatabase> {
  const name = `verdict_${randomBytes(6).toString('hex')}`;
  await execute(databaseUrl, `CREATE DATABASE ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => execute(databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
