import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The latest request of a reader counts. Two may have the same millisecond, which is all that PGlite's clock tells.
  `alter table mail_requests add column arrival bigint generated always as identity`,
  `drop index mail_requests_by_time`,
  `create index mail_requests_by_time on mail_requests (due_at, arrival)`,
];
