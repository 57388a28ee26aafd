import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Which variant a reader gets depends on the stopped issues that the reader has, too: their ids, sorted.
  `alter table variant_topics add column had text[] not null default '{}'`,
  `alter table variant_topics drop constraint variant_topics_pkey`,
  `alter table variant_topics add primary key (issue_id, topics, had)`,
];
