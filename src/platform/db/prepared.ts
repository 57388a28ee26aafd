import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type Kysely,
  PostgresDialect,
  PostgresDriver,
  type QueryResult,
  sql,
} from 'kysely';
import type { Pool, PoolClient } from './pool.ts';
import type { Schema } from './schema.ts';

/** A statement with a name; execute it like any other statement. */
export interface Prepared<Row> {
  execute(db: Kysely<Schema>): Promise<QueryResult<Row>>;
}

/**
 * A statement that each connection parses and plans once and then only binds, for the statements of every batch:
 *
 *     const { rows } = await prepared<BatchRow>('claim_batch')`select … where id = ${id}`.execute(tx);
 *
 * The template is Kysely's `sql`. A name must always have the same text: pg refuses another text under it, so the
 * fragments in it must not depend on a condition. PostgreSQL lists the prepared statements of a connection in
 * `pg_prepared_statements`. On the embedded database all connections share one session, so a name ends in the number of
 * its connection: `claim_batch_3`.
 * @param name lower case, with underscores; at most 40 characters.
 */
export function prepared<Row = unknown>(name: string) {
  return (text: TemplateStringsArray, ...values: unknown[]): Prepared<Row> => ({
    execute: (db) => {
      const named: NamedQuery<Row> = { ...sql<Row>(text, ...values).compile(db), name };
      return db.executeQuery(named);
    },
  });
}

interface NamedQuery<Row = unknown> extends CompiledQuery<Row> {
  name?: string;
}

/** Kysely's dialect for PostgreSQL, which also passes the names of {@link prepared} statements to pg. */
export class PreparingDialect extends PostgresDialect {
  readonly #pool: Pool;
  readonly #sharesSession: boolean;

  /** @param options `sharesSession`: all clients of the pool share one session, as on the embedded database. */
  constructor(pool: Pool, { sharesSession }: { sharesSession: boolean }) {
    super({ pool });
    this.#pool = pool;
    this.#sharesSession = sharesSession;
  }

  override createDriver(): Driver {
    return new PreparingDriver(this.#pool, this.#sharesSession);
  }
}

class PreparingDriver extends PostgresDriver {
  readonly #pool: Pool;
  readonly #sharesSession: boolean;
  readonly #numbers = new WeakMap<PoolClient, number>();
  #clients = 0;

  constructor(pool: Pool, sharesSession: boolean) {
    super({ pool });
    this.#pool = pool;
    this.#sharesSession = sharesSession;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const client = await this.#pool.connect();
    return new PreparingConnection(client, this.#sharesSession ? `_${this.#numberOf(client)}` : '');
  }

  override async releaseConnection(connection: DatabaseConnection): Promise<void> {
    (connection as PreparingConnection).release();
  }

  #numberOf(client: PoolClient): number {
    const number = this.#numbers.get(client) ?? ++this.#clients;
    this.#numbers.set(client, number);
    return number;
  }
}

class PreparingConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #suffix: string;

  constructor(client: PoolClient, suffix: string) {
    this.#client = client;
    this.#suffix = suffix;
  }

  async executeQuery<Row>({ sql: text, parameters, name }: NamedQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.#client.query({
      text,
      values: [...parameters],
      ...(name === undefined ? {} : { name: name + this.#suffix }),
    });
    const isChange = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command);
    return { rows, ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
  }

  // biome-ignore lint/correctness/useYield: it never yields
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Rows are never streamed: read them a page at a time.');
  }

  release(): void {
    this.#client.release();
  }
}
