import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The version of the layout of the bytes that were asked for under the batch's key. All before had the first.
  `alter table batches add column layout integer`,
  `update batches set layout = 1 where payload_hash is not null`,
];
