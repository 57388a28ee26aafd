import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** As in 0020: a function of the owner, which the working role may call. */
const STATEMENTS = [
  `drop function delete_expired_evidence(integer)`,
  `create function delete_expired_evidence(months integer) returns bigint language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp as $$
    declare
      deleted bigint;
    begin
      if months < 1 then raise exception 'evidence is kept for a month at least'; end if;
      delete from public.consent_evidence e using public.consent_events c, public.subscribers s
      where c.id = e.event_id and s.id = c.subscriber_id and s.status in ('unsubscribed', 'suppressed')
        and s.left_at < now() - make_interval(months => months);
      get diagnostics deleted = row_count;
      return deleted;
    end $$`,
  `revoke execute on function delete_expired_evidence(integer) from public`,
];
