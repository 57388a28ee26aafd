import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLE).execute(db);
}

/** Of each issue the last rendering: what its variants are and what their checks found. */
const TABLE = `create table issue_renderings (
  issue_id uuid primary key references issues on delete cascade,
  plan_hash text not null,
  template text not null,
  variants jsonb not null,
  rendered_at timestamptz not null
)`;
