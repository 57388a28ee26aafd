import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A part of a refused batch is judged by its other parts: what the provider accepted of them shows that it accepts mail.
  `alter table batches add column split_from uuid`,
  `alter table batches add column reopened boolean not null default false`,
];
