import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Where the functions look things up that run with the owner's rights: nothing that a caller made comes first. */
const PATH = 'set search_path = pg_catalog, public, pg_temp';

const HASH_OF_ROW = (row: string) =>
  `consent_event_hash(${['id', 'subscriber_id', 'event', 'at', 'method', 'source', 'details']
    .map((column) => `${row}${column}`)
    .join(', ')})`;

const STATEMENTS = [
  // A row as one text that means nothing else: a JSON array, with the time in microseconds since 1970.
  `create function consent_event_hash(id bigint, subscriber_id uuid, event text, at timestamptz, method text,
    source text, details jsonb) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(id, subscriber_id, event, (extract(epoch from at) * 1000000)::bigint,
      method, source, details)::text, 'UTF8'))
  $$`,

  // Rows of before are trusted as they are now. A change of the type writes each once; an update would write it beside
  // the old one, and the table is append-only.
  `alter table consent_events add column row_hash bytea`,
  `alter table consent_events alter column row_hash type bytea using ${HASH_OF_ROW('')},
    alter column row_hash set not null, alter column row_hash set default ''`,
  `create function hash_consent_event() returns trigger language plpgsql as $$
    begin
      new.row_hash := public.${HASH_OF_ROW('new.')};
      return new;
    end $$`,
  `create trigger consent_events_hashed before insert on consent_events
    for each row execute function hash_consent_event()`,

  // A seal fixes what a stretch of the log holds, and every seal before it by the hash of the last.
  `create table consent_seals (
    number bigint primary key default 0,
    from_id bigint not null unique default 0,
    to_id bigint not null unique,
    rows bigint not null default 0,
    rows_hash bytea not null default '',
    previous bytea not null default '',
    at timestamptz not null default now(),
    hash bytea not null default '',
    check (from_id <= to_id)
  )`,
  `create function consent_seal_hash(number bigint, from_id bigint, to_id bigint, rows bigint, rows_hash bytea,
    previous bytea, at timestamptz) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(number, from_id, to_id, rows, encode(rows_hash, 'hex'),
      encode(previous, 'hex'), (extract(epoch from at) * 1000000)::bigint)::text, 'UTF8'))
  $$`,
  // Who seals says only how far; the rest follows from what is there.
  `create function seal_consent_events() returns trigger language plpgsql ${PATH} as $$
    declare
      last public.consent_seals;
    begin
      select * into last from public.consent_seals order by number desc limit 1;
      new.number := coalesce(last.number, 0) + 1;
      new.from_id := coalesce(last.to_id, 0) + 1;
      new.previous := coalesce(last.hash, '');
      new.at := now();
      select count(*), sha256(coalesce(string_agg(row_hash, '' order by id), '')) into new.rows, new.rows_hash
      from public.consent_events where id between new.from_id and new.to_id;
      new.hash := public.consent_seal_hash(new.number, new.from_id, new.to_id, new.rows, new.rows_hash, new.previous,
        new.at);
      return new;
    end $$`,
  `create trigger consent_seals_sealed before insert on consent_seals
    for each row execute function seal_consent_events()`,
  `do $$
    declare
      chunk_end bigint;
    begin
      loop
        select max(id) into chunk_end from (
          select id from consent_events where id > coalesce((select max(to_id) from consent_seals), 0)
          order by id limit 10000
        ) chunk;
        exit when chunk_end is null;
        insert into consent_seals (to_id) values (chunk_end);
      end loop;
    end $$`,

  `create function refuse_to_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$`,
  ...['consent_texts', 'consent_seals'].flatMap((table) => [
    `create trigger ${table}_append_only before update or delete on ${table}
      for each row execute function refuse_to_change()`,
    `create trigger ${table}_no_truncate before truncate on ${table}
      for each statement execute function refuse_to_change()`,
  ]),

  // What the working role may not do by itself, and has to have done: each of these does that one thing.
  `create function delete_expired_evidence(months integer) returns void language plpgsql security definer ${PATH} as $$
    begin
      if months < 1 then raise exception 'evidence is kept for a month at least'; end if;
      delete from public.consent_evidence where at < now() - make_interval(months => months);
    end $$`,
  `create function delete_evidence_of_forgotten(subscriber_ids uuid[]) returns void
    language sql security definer ${PATH} as $$
    delete from public.consent_evidence e using public.consent_events c, public.subscribers s
    where c.subscriber_id = any(subscriber_ids) and c.id = e.event_id and s.id = c.subscriber_id and s.email = ''
  $$`,
  `create function analyze_sending_tables() returns void language plpgsql security definer ${PATH} as $$
    begin
      analyze public.deliveries, public.batches, public.tallies, public.variant_topics;
    end $$`,
  ...[
    'delete_expired_evidence(integer)',
    'delete_evidence_of_forgotten(uuid[])',
    'analyze_sending_tables()',
  ].map((signature) => `revoke execute on function ${signature} from public`),
];
