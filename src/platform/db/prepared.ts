import { createHash } from 'node:crypto';
import {
  CompiledQuery,
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
 * The template is Kysely's `sql`. The name ends in a hash of the text, so that it means the same text in every process
 * and version, also where a pooler lends one session to several. PostgreSQL lists the prepared statements of a connection
 * in `pg_prepared_statements`. On the embedded database all connections share one session, so a name also ends in the
 * number of its connection: `claim_batch_5f3a09c1_3`.
 * @param name lower case, with underscores; at most 40 characters.
 */
export function prepared<Row = unknown>(name: string) {
  return (text: TemplateStringsArray, ...values: unknown[]): Prepared<Row> => ({
    execute: (db) => {
      const query = sql<Row>(text, ...values).compile(db);
      const named: NamedQuery<Row> = { ...query, name: `${name}_${hashOf(query.sql)}` };
      return db.executeQuery(named);
    },
  });
}

const hashes = new Map<string, string>();

/** The first characters of a hash; each text is hashed once. */
function hashOf(text: string): string {
  const hash = hashes.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 8);
  hashes.set(text, hash);
  return hash;
}

interface NamedQuery<Row = unknown> extends CompiledQuery<Row> {
  name?: string;
}

export interface SessionKind {
  /** All clients of the pool share one session, as on the embedded database. */
  sharesSession: boolean;
  /**
   * A pooler gives each transaction another session: nothing is prepared, and a transaction begins with these statements.
   * undefined: a client has its session for itself.
   */
  beginWith?: string | undefined;
  /** Gets every error of a statement, and of the connection for it. */
  onError?: ((error: unknown) => void) | undefined;
}

/** Kysely's dialect for PostgreSQL, which also passes the names of {@link prepared} statements to pg. */
export class PreparingDialect extends PostgresDialect {
  readonly #pool: Pool;
  readonly #kind: SessionKind;

  constructor(pool: Pool, kind: SessionKind) {
    super({ pool });
    this.#pool = pool;
    this.#kind = kind;
  }

  override createDriver(): Driver {
    return new PreparingDriver(this.#pool, this.#kind);
  }
}

class PreparingDriver extends PostgresDriver {
  readonly #pool: Pool;
  readonly #kind: SessionKind;
  readonly #numbers = new WeakMap<PoolClient, number>();
  #clients = 0;

  constructor(pool: Pool, kind: SessionKind) {
    super({ pool });
    this.#pool = pool;
    this.#kind = kind;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const { sharesSession, beginWith, onError = () => {} } = this.#kind;
    const client = await this.#pool.connect().catch((error) => {
      onError(error);
      throw error;
    });
    const suffix = beginWith !== undefined ? null : sharesSession ? `_${this.#numberOf(client)}` : '';
    return new PreparingConnection(client, suffix, onError);
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: Parameters<PostgresDriver['beginTransaction']>[1],
  ): Promise<void> {
    await super.beginTransaction(connection, settings);
    const { beginWith } = this.#kind;
    if (beginWith !== undefined) await connection.executeQuery(CompiledQuery.raw(beginWith));
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
  readonly #suffix: string | null;
  readonly #onError: (error: unknown) => void;

  /** @param suffix ends the names of prepared statements; null: nothing is prepared. */
  constructor(client: PoolClient, suffix: string | null, onError: (error: unknown) => void) {
    this.#client = client;
    this.#suffix = suffix;
    this.#onError = onError;
  }

  async executeQuery<Row>({ sql: text, parameters, name }: NamedQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.#query({
      text,
      values: [...parameters],
      ...(name === undefined || this.#suffix === null ? {} : { name: name + this.#suffix }),
    });
    const isChange = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command);
    return { rows, ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
  }

  async #query(query: { text: string; values: unknown[]; name?: string }) {
    try {
      return await this.#client.query(query);
    } catch (error) {
      this.#onError(error);
      throw error;
    }
  }

  // biome-ignore lint/correctness/useYield: it never yields
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Rows are never streamed: read them a page at a time.');
  }

  release(): void {
    this.#client.release();
  }
}
