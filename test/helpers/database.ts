import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A separate database on the server of the `services` project. */
export interface TestDatabase {
  readonly url: string;
  /** Removes the database, and its remaining sessions. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database for one test file, so that files never see each other's rows.
 * @param databaseUrl `inject('databaseUrl')`; its user must be allowed to create databases.
 * @param original makes it a copy of this one instead, which must have no sessions.
 */
export async function createDatabase(databaseUrl: string, original?: { url: string }): Promise<TestDatabase> {
  const name = `verdict_${randomBytes(6).toString('hex')}`;
  const template = original === undefined ? '' : ` TEMPLATE ${new URL(original.url).pathname.slice(1)}`;
  await execute(databaseUrl, `CREATE DATABASE ${name}${template}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => drop(databaseUrl, name),
  };
}

/** Sessions that are just closing may finish; the others are terminated. */
async function drop(databaseUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let look = 0; look < 200; look += 1) {
      const { rows } = await client.query('select from pg_stat_activity where datname = $1 limit 1', [name]);
      if (rows.length === 0) break;
    }
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  } finally {
    await client.end();
  }
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
