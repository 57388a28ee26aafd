import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // One event of a site: much of the archive changed in the same field and way.
  `create table reprints (
    id uuid primary key default gen_random_uuid(),
    field text not null,
    way text not null,
    keeps_figures boolean not null,
    is_told boolean not null,
    archive_size integer not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    answer text check (answer in ('not_news', 'news')),
    answered_by text,
    answered_at timestamptz,
    check (answered_by is null or answer is not null)
  )`,
  `create index reprints_by_way on reprints (field, way)`,
  // What changed in the last days, and what belongs to a reprint.
  `create table field_changes (
    comparison_id uuid not null references comparisons (id) on delete cascade,
    revision integer not null,
    side integer not null check (side in (0, 1)),
    field text not null,
    way text not null,
    keeps_figures boolean not null,
    is_told boolean not null,
    was jsonb not null,
    now jsonb not null,
    at timestamptz not null default now(),
    reprint_id uuid references reprints (id) on delete set null,
    primary key (comparison_id, revision, side, field)
  )`,
  `create index field_changes_recent on field_changes (field, way) where reprint_id is null`,
  `create index field_changes_of_reprint on field_changes (reprint_id) where reprint_id is not null`,
  // A comparison whose page is gone stays: what was mailed points to it, and it comes back when its page does.
  `alter table comparisons add column gone_at timestamptz,
    add column gone_by text check (gone_by in ('page', 'listing')), add column gone_reason text,
    add column presence_changed_at timestamptz, add constraint comparisons_gone_together check (
      (gone_at is null and gone_by is null and gone_reason is null)
      or (gone_at is not null and gone_by is not null and gone_reason <> ''))`,
  `create index comparisons_gone on comparisons (gone_at) where gone_at is not null`,
  // Whether a reader who follows a link finds nothing: more than a status says.
  `alter table link_checks add column is_broken boolean not null default false`,
  // Which source lists a comparison, and for how many gatherings it has not.
  `create table comparison_listings (
    comparison_id uuid primary key references comparisons (id) on delete cascade,
    source text not null,
    entry text not null,
    missed integer not null default 0 check (missed >= 0)
  )`,
];
