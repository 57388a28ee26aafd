import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // One vote a reader and tool, by the primary key; a tool is its name, whichever comparison it was met in.
  `create table votes (
    subscriber_id uuid not null references subscribers,
    tool_key text not null,
    call text not null check (call in ('ship', 'skip')),
    comparison_id uuid not null references comparisons on delete cascade,
    at timestamptz not null default now(),
    primary key (subscriber_id, tool_key)
  )`,
  `create index votes_by_tool on votes (tool_key, call, at)`,
  `create index votes_by_comparison on votes (comparison_id)`,
];
