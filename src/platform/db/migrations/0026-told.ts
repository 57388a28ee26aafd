import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A number belongs to what readers saw: until its content is frozen, an issue has none.
  `alter table issues drop constraint issues_check`,
  `alter table issues add constraint issues_plan_check check (status = 'skipped' or plan is not null)`,
  `update issues i set number = null
    where status in ('draft', 'review', 'approved', 'preparing')
      or (status in ('paused', 'failed') and resume_to in ('approved', 'preparing'))
      or (status = 'cancelled'
        and not exists (select from batches b where b.issue_id = i.id and b.status in ('submitting', 'uncertain'))
        and not exists (
          select from tallies t where t.issue_id = i.id and t.status in ('submitted', 'uncertain') and t.count > 0))`,
  `alter table issues add constraint issues_number_check
    check (status not in ('sending', 'sent') or number is not null)`,

  // What an issue told its readers without a row of its own counts as told, too.
  `alter table issue_comparisons
    add column told text not null default 'row' check (told in ('row', 'summary', 'dropped')),
    add column change jsonb`,
];
