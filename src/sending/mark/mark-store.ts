import { sql } from 'kysely';
import { type Connection, fingerprintOf } from '../../platform/db/database.ts';
import type { QueueOwner } from '../../platform/queue/neighbours.ts';
import { REPLAY_HOURS } from '../../providers/port.ts';

/** How far sending has come, as the database knows it. */

/** The same, as it is written outside of the database. */
export interface Mark {
  epoch: number;
  /** Slug → when the issue was mailed last, for the last issues. */
  issues: Record<string, { epoch: number; at: string }>;
  at: string;
}

interface StoredMark extends Mark {
  installation: string;
  /** The mark outside that was ahead; null while none is. */
  ahead: Mark | null;
  noticedAt: Date | null;
}

/** How many issues a mark names. */
const ISSUES = 10;

/** Reads the mark, and makes it at the first start. */
export async function readMark(db: Connection): Promise<StoredMark> {
  await sql`insert into sending_mark default values on conflict do nothing`.execute(db);
  const { rows } = await sql<Omit<StoredMark, 'at'> & { at: Date }>`
    select installation, epoch, issues, at, ahead, noticed_at as "noticedAt" from sending_mark
  `.execute(db);
  const [row] = rows as [(typeof rows)[number]];
  return { ...row, at: row.at.toISOString() };
}

/** Whose keys are whose on a Redis that several installations share. */
export async function queueOwner(db: Connection): Promise<QueueOwner> {
  return { installation: (await readMark(db)).installation, database: await fingerprintOf(db) };
}

/** Gives a copy of a database an id of its own: it is another installation from then on. */
export async function renewInstallation(db: Connection): Promise<void> {
  await sql`update sending_mark set installation = gen_random_uuid(), ahead = null, noticed_at = null`.execute(
    db,
  );
}

/**
 * Moves the mark on, for a request that is about to be made or for an issue that has ended.
 * @param outside the highest epoch outside of the database.
 * @returns undefined when the database is behind that, or was found to be behind before.
 */
export async function advanceMark(
  db: Connection,
  issueId: string,
  outside: number,
): Promise<Mark | undefined> {
  const { rows } = await sql<{ epoch: number; issues: Mark['issues']; at: Date }>`
    update sending_mark m set epoch = m.epoch + 1, at = clock_timestamp(), issues = (
      select jsonb_object_agg(slug, value) from (
        select e.key as slug, e.value from jsonb_each(m.issues) e where e.key <> i.slug
        union all
        select i.slug, jsonb_build_object('epoch', m.epoch + 1, 'at', clock_timestamp())
        order by slug desc limit ${ISSUES}
      ) as last
    )
    from issues i
    where i.id = ${issueId} and m.epoch >= ${outside} and m.ahead is null
    returning m.epoch, m.issues, m.at
  `.execute(db);
  const [row] = rows;
  return row && { ...row, at: row.at.toISOString() };
}

/** The issue of a batch. */
export async function issueOfBatch(db: Connection, batchId: string): Promise<string | undefined> {
  const row = await db.selectFrom('batches').select('issue_id').where('id', '=', batchId).executeTakeFirst();
  return row?.issue_id;
}

/** Stores that the mark outside is ahead, until a person has decided. */
export async function storeAhead(db: Connection, ahead: Mark): Promise<void> {
  await sql`
    update sending_mark set ahead = ${JSON.stringify(ahead)}::jsonb, noticed_at = coalesce(noticed_at, clock_timestamp())
    where epoch < ${ahead.epoch} and (ahead is null or (ahead->>'epoch')::bigint < ${ahead.epoch})
  `.execute(db);
}

/**
 * Takes the database as it is for the truth: its mark is moved beyond the one outside. Batches of begun issues that the
 * provider may have forgotten become `uncertain`, because the lost database may have mailed them.
 * @returns how many batches.
 */
export async function acceptPresent(db: Connection): Promise<{ mark: Mark; uncertain: number } | undefined> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ epoch: number; issues: Mark['issues']; at: Date; forgotten: boolean }>`
      with old as (select ahead from sending_mark where ahead is not null for update)
      update sending_mark m set epoch = (old.ahead->>'epoch')::bigint + 1, issues = m.issues || (old.ahead->'issues'),
        at = clock_timestamp(), ahead = null, noticed_at = null
      from old
      returning m.epoch, m.issues, m.at,
        (old.ahead->>'at')::timestamptz < clock_timestamp() - make_interval(hours => ${REPLAY_HOURS}) as forgotten
    `.execute(tx);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { forgotten, at, ...rest } = row;
    const mark = { ...rest, at: at.toISOString() };
    if (!forgotten) return { mark, uncertain: 0 };
    const reason = 'the database was restored: it may have been mailed before';
    const { rows: batches } = await sql`
      with batch as (
        update batches b set status = 'uncertain', reason = ${reason}, lease_id = null,
          claimed_at = coalesce(claimed_at, now())
        from issues i
        where i.id = b.issue_id and i.status in ('sending', 'paused', 'failed') and b.status in ('pending', 'submitting')
        returning b.id
      ), members as (
        update deliveries d set status = 'uncertain', reason = ${reason}
        from batch where d.batch_id = batch.id and d.status = 'prepared'
      )
      select id from batch
    `.execute(tx);
    return { mark, uncertain: batches.length };
  });
}
