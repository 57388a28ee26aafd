import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Beside each vote stands since when its reader has been on the list, null for who is no reader now: what counts is
  // then read from one index, without looking at a reader.
  `alter table votes
    add column reader_since timestamptz,
    add column state text not null default 'counted' check (state in ('counted', 'set_aside', 'discarded')),
    add column set_aside_at timestamptz,
    add column network text,
    add column wide_network text,
    add constraint votes_set_aside check (state <> 'set_aside' or set_aside_at is not null)`,
  `update votes v set reader_since = greatest(s.created_at, s.confirmed_at)
    from subscribers s where s.id = v.subscriber_id and s.status = 'active'`,
  `create function votes_follow_reader() returns trigger language plpgsql as $$
    begin
      update votes set reader_since = case when new.status = 'active' then greatest(new.created_at, new.confirmed_at) end
        where subscriber_id = new.id;
      return null;
    end $$`,
  `create trigger votes_follow_reader after update of status, confirmed_at on subscribers
    for each row when (old.status <> new.status or old.confirmed_at is distinct from new.confirmed_at)
    execute function votes_follow_reader()`,
  `drop index votes_by_tool`,
  `create index votes_by_tool on votes (tool_key, call, reader_since, at)
    where state = 'counted' and reader_since is not null`,
  // What came from one network within an hour, while networks are kept; and what waits for a person.
  `create index votes_by_network on votes (tool_key, network, at) where network is not null`,
  `create index votes_by_wide_network on votes (tool_key, wide_network, at) where wide_network is not null`,
  `create index votes_with_network on votes (at) where network is not null`,
  `create index votes_waiting on votes (tool_key, set_aside_at) where state = 'set_aside'`,

  `alter table notices drop constraint notices_kind_check`,
  `alter table notices add constraint notices_kind_check check (kind in ('source-failing', 'silent-week',
    'sign-up-flood', 'events-missing', 'batch-uncertain', 'votes-set-aside'))`,
];
