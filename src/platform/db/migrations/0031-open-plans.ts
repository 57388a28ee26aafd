import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The plans of issues that are not frozen yet are rendered by the new templates: a changed row names what changed
  // most, and the votes of *what readers said* are dated, which an old plan cannot say.
  `update issues set plan = plan || jsonb_build_object('readers', '[]'::jsonb, 'changed', coalesce((
      select jsonb_agg(each || jsonb_build_object('row', each -> 'row' || jsonb_build_object('kind',
        case when each #> '{row,was,mark}' = each #> '{row,now,mark}' and each #> '{row,was,pick}' = each #> '{row,now,pick}'
          then 'price' else 'turned' end)))
      from jsonb_array_elements(plan -> 'changed') as each
    ), '[]'::jsonb))
    where number is null and plan is not null and status not in ('cancelled', 'skipped')`,
];
