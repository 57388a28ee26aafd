import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A comparison that was taken down stays: what was mailed points to it, and no source brings it back as a new one.
  `alter table comparisons add column hidden_at timestamptz, add column hidden_reason text, add column hidden_by text,
    add column visibility_changed_at timestamptz,
    add constraint comparisons_hidden check (
      (hidden_at is null and hidden_reason is null and hidden_by is null)
      or (hidden_at is not null and hidden_reason <> '' and hidden_by is not null))`,
  `create index comparisons_hidden on comparisons (hidden_at) where hidden_at is not null`,
];
