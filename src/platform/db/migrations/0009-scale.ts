import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/**
 * How many deliveries of each kind `rows` holds: what the provider accepted is `submitted`, whatever became of
 * it later, so that events need not count again.
 */
const counted = (rows: string, sign: 1 | -1) => `
  select issue_id, coalesce(batch_id, issue_id) as holder,
    case when status in ('delivered', 'bounced', 'complained') then 'submitted' else status end as status,
    case when status in ('excluded', 'failed') then reason else '' end as reason, ${sign} as change
  from ${rows}`;

/** In the order of the key, so that two who count at once never wait for each other in a circle. */
const count = (changes: string) => `
  insert into tallies as t (issue_id, holder, status, reason, count)
  select issue_id, holder, status, reason, sum(change) from (${changes}) c
  group by issue_id, holder, status, reason having sum(change) <> 0
  order by issue_id, holder, status, reason
  on conflict (issue_id, holder, status, reason) do update set count = t.count + excluded.count`;

const STATEMENTS = [
  // Three checks a row were half of the time it took to freeze a list. A delivery is written by freezeAudience
  // only, from the very rows that it points to, and none of those is ever deleted.
  `alter table deliveries
    drop constraint deliveries_issue_id_fkey,
    drop constraint deliveries_subscriber_id_fkey,
    drop constraint deliveries_batch_id_fkey`,

  // Whether an issue is finished is asked after every batch: uncertain ones are open, too.
  `drop index batches_open`,
  `create index batches_open on batches (issue_id, number) where status in ('pending', 'submitting', 'uncertain')`,

  // Where an issue stands, in a row a batch and kind instead of a row a reader: nobody counts a million rows to
  // draw a bar. Kept by triggers, in the transaction that changes the deliveries, whoever changes them.
  `create table tallies (
    issue_id uuid not null references issues on delete cascade,
    holder uuid not null,
    status text not null check (status in ('prepared', 'submitted', 'excluded', 'failed', 'uncertain')),
    reason text not null,
    count integer not null,
    primary key (issue_id, holder, status, reason)
  )`,
  `insert into tallies (issue_id, holder, status, reason, count)
    select issue_id, holder, status, reason, sum(change) from (${counted('deliveries', 1)}) c group by 1, 2, 3, 4`,
  `create function tally_inserted() returns trigger language plpgsql as $$
    begin
      ${count(counted('after', 1))};
      return null;
    end $$`,
  `create function tally_updated() returns trigger language plpgsql as $$
    begin
      ${count(`${counted('before', -1)} union all ${counted('after', 1)}`)};
      return null;
    end $$`,
  `create trigger deliveries_tally_inserted after insert on deliveries referencing new table as after
    for each statement execute function tally_inserted()`,
  `create trigger deliveries_tally_updated after update on deliveries
    referencing old table as before new table as after
    for each statement execute function tally_updated()`,
];
