import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';

/**
 * The invariants of an issue's ledger, each as SQL that finds the rows that violate it. They hold at every moment, for
 * every issue, on both backends: call it after every fault, and once more at the end.
 */
const OFFENDERS: Record<string, string> = {
  'I1 one copy: a subscriber is in an issue once':
    'select subscriber_id from deliveries where issue_id = $1 group by subscriber_id having count(*) > 1',
  'I1 one copy: an accepted message is one delivery':
    'select provider_id from deliveries where issue_id = $1 and provider_id is not null group by provider_id having count(*) > 1',
  'I2 nobody skipped: what is over has its reason': `select id from deliveries
    where issue_id = $1 and status in ('excluded', 'failed', 'uncertain') and coalesce(reason, '') = ''`,
  'I2 nobody skipped: who is open is in a batch that is open': `select d.id from deliveries d left join batches b on b.id = d.batch_id
    where d.issue_id = $1 and d.status = 'prepared' and coalesce(b.status not in ('pending', 'submitting'), true)`,
  'I2 nobody skipped: who is uncertain is in a batch that is uncertain': `select d.id from deliveries d left join batches b on b.id = d.batch_id
    where d.issue_id = $1 and d.status = 'uncertain' and coalesce(b.status <> 'uncertain', true)`,
  'I2 nobody skipped: who was accepted is in a batch that was': `select d.id from deliveries d left join batches b on b.id = d.batch_id
    where d.issue_id = $1 and d.status in ('submitted', 'delivered', 'bounced', 'complained')
      and (b.status is distinct from 'submitted' or d.submitted_at is null
        or d.provider_id is null and not exists (select from settlements s where s.batch_id = b.id))`,
  'I2 nobody skipped: a batch belongs to the issue of its deliveries and variant': `select d.id from deliveries d
    join batches b on b.id = d.batch_id join variants v on v.id = b.variant_id
    where d.issue_id = $1 and (b.issue_id <> $1 or v.issue_id <> $1)`,
  'I2 nobody skipped: a sent issue has nothing open or uncertain': `select b.id from batches b join issues i on i.id = b.issue_id
    where i.id = $1 and i.status = 'sent' and b.status in ('pending', 'submitting', 'uncertain')
    union all select d.id from deliveries d join issues i on i.id = d.issue_id
    where i.id = $1 and i.status = 'sent' and d.status in ('prepared', 'uncertain')`,
  'I3 no mail after leaving: who left before the claim was not submitted': `select d.id from deliveries d
    join batches b on b.id = d.batch_id join subscribers s on s.id = d.subscriber_id
    where d.issue_id = $1 and s.left_at < b.claimed_at and d.status not in ('prepared', 'excluded')`,
  'I4 no mail without consent: who was submitted had confirmed before': `select d.id from deliveries d
    where d.issue_id = $1 and d.status not in ('prepared', 'excluded') and not exists (
      select from consent_events c where c.subscriber_id = d.subscriber_id and c.event = 'confirmed'
        and c.at <= coalesce(d.submitted_at, now()))`,
  'I5 frozen content: what was claimed has its bytes': `select id from batches
    where issue_id = $1 and (status in ('submitting', 'uncertain') and (payload_hash is null or claimed_at is null)
      or status = 'pending' and (payload_hash is not null or claimed_at is not null))`,
  'no foreign key says so: a delivery points to rows that are there': `select d.id from deliveries d
    left join issues i on i.id = d.issue_id left join subscribers s on s.id = d.subscriber_id left join batches b on b.id = d.batch_id
    where d.issue_id = $1 and (i.id is null or s.id is null or b.id is null and d.batch_id is not null)`,
  'I11 every number comes from the ledger: the tallies are the deliveries, counted': `select holder, status, reason, sum(count) from (
      select holder, status, reason, count from tallies where issue_id = $1
      union all
      select coalesce(batch_id, issue_id),
        case when status in ('delivered', 'bounced', 'complained') then 'submitted' else status end,
        case when status in ('excluded', 'failed') then reason else '' end, -count(*)
      from deliveries where issue_id = $1 group by 1, 2, 3
    ) c group by holder, status, reason having sum(count) <> 0`,
};

/** @throws an assertion error that names every violated invariant and its rows. */
export async function assertInvariants(db: Connection, issueId: string): Promise<void> {
  expect(await brokenInvariants(db, issueId)).toEqual({});
}

/** Name → ids of the violating rows. */
export async function brokenInvariants(db: Connection, issueId: string): Promise<Record<string, unknown[]>> {
  const broken: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(OFFENDERS)) {
    const { rows } = await sql
      .raw<Record<string, unknown>>(query.replaceAll('$1', `'${issueId}'::uuid`))
      .execute(db);
    if (rows.length > 0) broken[name] = rows.flatMap((row) => Object.values(row));
  }
  return broken;
}
