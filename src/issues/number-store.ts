import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import { OPEN_STATUSES } from './lifecycle.ts';

/**
 * The numbers that readers see: 1, 2, 3 and so on, without a hole. An issue gets its number in the transaction that
 * freezes its content, so an issue that was skipped or cancelled before then takes none. Until then its plan has the
 * number that it would get. The hash of a plan leaves the number out: an approval stays valid when it changes.
 */

/** Takes the lock for giving numbers until the transaction ends. */
export async function lockNumbers(tx: Connection): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('issue numbers'))`.execute(tx);
}

/** Returns the number after the last one given. */
export async function nextNumber(db: Connection): Promise<number> {
  const { last } = await db
    .selectFrom('issues')
    .select(({ fn }) => fn.max('number').as('last'))
    .executeTakeFirstOrThrow();
  return (last ?? 0) + 1;
}

/** Gives an issue its number, for good. The caller holds {@link lockNumbers}. */
export async function giveNumber(tx: Connection, issueId: string, number: number): Promise<void> {
  await sql`
    update issues set number = ${number}, plan = jsonb_set(plan, '{number}', to_jsonb(${number}::int))
    where id = ${issueId}
  `.execute(tx);
}

/** Returns the number that the issue of a slot would get if the open issues before it go out first. */
export async function expectedNumber(db: Connection, slot: string): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*)::int as waiting from issues
    where number is null and plan is not null and status = any(${OPEN_STATUSES}::text[]) and slot < ${slot}::date
  `.execute(db);
  return (await nextNumber(db)) + (rows[0]?.waiting ?? 0);
}

/**
 * Takes back the number of an issue that was cancelled before anybody can have it, and writes into the plan of each open
 * issue the number that it would get now: those that are being prepared first, then by slot. Idempotent. Call it
 * after the batches of cancelled issues are closed, so that no claim is under way.
 */
export async function renumberIssues(db: Connection): Promise<void> {
  await sql`
    update issues i set number = null
    where status = 'cancelled' and number is not null
      and not exists (select from batches b where b.issue_id = i.id and b.status in ('submitting', 'uncertain'))
      and not exists (
        select from tallies t where t.issue_id = i.id and t.status in ('submitted', 'uncertain') and t.count > 0
      )
  `.execute(db);
  await sql`
    with expected as (
      select id, (select coalesce(max(number), 0) from issues)
        + row_number() over (order by status <> 'preparing', slot) as number
      from issues where number is null and plan is not null and status = any(${OPEN_STATUSES}::text[])
    )
    update issues i set plan = jsonb_set(i.plan, '{number}', to_jsonb(e.number))
    from expected e where e.id = i.id and i.number is null and (i.plan ->> 'number')::int <> e.number
  `.execute(db);
}
