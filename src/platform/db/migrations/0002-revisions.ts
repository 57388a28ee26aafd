import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table revisions (
    comparison_id uuid not null references comparisons on delete cascade,
    number integer not null check (number >= 1),
    at timestamptz not null default now(),
    content jsonb not null,
    content_hash text not null,
    changed jsonb not null,
    primary key (comparison_id, number)
  )`,
  // What was there before revisions were kept begins with the state it was found in.
  `insert into revisions (comparison_id, number, at, content, content_hash, changed)
    select id, 1, changed_at, content, content_hash, '[]' from comparisons`,

  `create index comparisons_by_url on comparisons (url)`,
  `create index comparisons_newest on comparisons (coalesce(published_at, first_seen_at) desc, slug desc)`,
  `create index comparisons_by_change on comparisons (changed_at)`,
];
