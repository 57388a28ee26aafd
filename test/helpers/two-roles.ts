import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { createDatabase } from './database.ts';
import { ROOT } from './processes.ts';
import { findPostgres } from './services.ts';

/** A database with the two roles that `deploy/postgres/roles.sql` makes. */
export interface TwoRoles extends AsyncDisposable {
  /** Connects as the user who created the roles. */
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly workerUrl: string;
  readonly owner: string;
  readonly worker: string;
  /** Runs the script of deploy/ on the database: again, or for the first time if `newDatabase` was told to wait. */
  makeRoles(): void;
  /** Connects as this role, in a session of its own. @returns the rows. */
  ask(url: string, statement: string): Promise<Record<string, unknown>[]>;
}

/** @param server `inject('databaseUrl')`; its user must be a superuser. */
export async function newTwoRoles(server: string, { made = true } = {}): Promise<TwoRoles> {
  const database = await createDatabase(server);
  const suffix = randomBytes(4).toString('hex');
  const owner = `verdict_owner_${suffix}`;
  const worker = `verdict_worker_${suffix}`;
  const urlOf = (role: string, password: string) => {
    const url = new URL(database.url);
    url.username = role;
    url.password = password;
    return url.href;
  };
  const ask = async (url: string, statement: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(statement);
      return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
    } finally {
      await client.end();
    }
  };
  const places: TwoRoles = {
    superuserUrl: database.url,
    ownerUrl: urlOf(owner, 'owner-password'),
    workerUrl: urlOf(worker, 'worker-password'),
    owner,
    worker,
    ask,
    makeRoles() {
      const script = path.join(ROOT, 'deploy/postgres/roles.sql');
      const settings = [`owner=${owner}`, `worker=${worker}`, 'owner_password=owner-password'];
      execFileSync(
        findPsql(),
        [
          ...['--no-psqlrc', `--dbname=${database.url}`, `--file=${script}`],
          ...[...settings, 'worker_password=worker-password'].map((each) => `--set=${each}`),
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
    },
    async [Symbol.asyncDispose]() {
      await database.drop();
      await ask(server, `drop role if exists ${owner}, ${worker}`);
    },
  };
  if (made) places.makeRoles();
  return places;
}

function findPsql(): string {
  const beside = path.join(findPostgres() ?? '', 'psql');
  return existsSync(beside) ? beside : 'psql';
}
