import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The last reader of the page that was frozen last, while there may be more; null before and after.
  `alter table issues add column frozen_to uuid`,
  // A worker of an older version, which does not know of pages, cannot end the issue too soon.
  `alter table issues add constraint issues_sent_is_frozen check (status <> 'sent' or frozen_to is null)`,
  `create index issues_freezing on issues (id) where frozen_to is not null`,
];
