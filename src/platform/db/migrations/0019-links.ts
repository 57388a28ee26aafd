import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Links in mail name the id of a row. A list that moves brings ids of another database with it, and an inbox that
  // comes back gets a new row: these are the further ids that lead to a person. Docs: ADR 19.
  `create table link_ids (
    link_id uuid not null,
    subscriber_id uuid not null references subscribers,
    version integer,
    up_to integer,
    primary key (link_id, subscriber_id)
  )`,
  `create index link_ids_by_subscriber on link_ids (subscriber_id)`,

  // Mail with these links lies in an inbox that is not the address of their row any more. Only the salted hash of the
  // inbox is kept, as for who asked to be forgotten.
  `create table old_links (
    link_id uuid not null,
    inbox_hash text not null,
    up_to integer not null,
    primary key (link_id, inbox_hash)
  )`,
  `create index old_links_by_inbox on old_links (inbox_hash)`,

  // In the database, so that no way to give a row another address, or to bring an address back, can forget it.
  `create function subscriber_left_inbox() returns trigger language plpgsql as $$
    begin
      -- Who never confirmed was mailed no such link, and nothing of them is kept.
      if old.email <> '' and old.status <> 'pending' then
        insert into old_links (link_id, inbox_hash, up_to)
          select old.id, address_hash(old.email_key), old.token_version
          union all
          select link_id, address_hash(old.email_key), coalesce(up_to, 2147483647) from link_ids where subscriber_id = old.id
        on conflict (link_id, inbox_hash) do update set up_to = greatest(old_links.up_to, excluded.up_to);
      end if;
      update link_ids set version = null where subscriber_id = new.id and version is not null;
      if new.email <> '' then
        insert into link_ids (link_id, subscriber_id, up_to)
          select link_id, new.id, up_to from old_links
          where inbox_hash = address_hash(new.email_key) and link_id <> new.id
        on conflict (link_id, subscriber_id) do nothing;
      end if;
      return null;
    end $$`,
  `create trigger subscribers_leave_inbox after update of email_key on subscribers
    for each row when (old.email_key is distinct from new.email_key) execute function subscriber_left_inbox()`,
  `create function subscribers_took_inbox() returns trigger language plpgsql as $$
    begin
      if exists (select from old_links) then
        insert into link_ids (link_id, subscriber_id, up_to)
          select o.link_id, n.id, o.up_to from newcomers n
          join old_links o on o.inbox_hash
            = encode(sha256(convert_to((select salt from installation) || n.email_key, 'UTF8')), 'hex')
          where n.email <> '' and o.link_id <> n.id
        on conflict (link_id, subscriber_id) do nothing;
      end if;
      return null;
    end $$`,
  `create trigger subscribers_take_inbox after insert on subscribers referencing new table as newcomers
    for each statement execute function subscribers_took_inbox()`,

  // What is still known of earlier days: who moved was written to at the old address, and an erasure and its hash are
  // of one transaction, so of one moment.
  `insert into old_links (link_id, inbox_hash, up_to)
    select m.subscriber_id, address_hash(lower(m.recipient)), max(s.token_version) - 1
    from mails m join subscribers s on s.id = m.subscriber_id
    where m.kind = 'changed' and m.recipient is not null group by 1, 2
    union
    select s.id, e.hash, s.token_version
    from erased_addresses e join consent_events c on c.event = 'erased' and c.at = e.at
      join subscribers s on s.id = c.subscriber_id
    where s.reason = 'erased'`,
  `insert into link_ids (link_id, subscriber_id, up_to)
    select o.link_id, s.id, o.up_to
    from mails m join subscribers s on s.email_key = lower(m.recipient)
      join old_links o on o.link_id = m.subscriber_id and o.inbox_hash = address_hash(s.email_key)
    where m.kind = 'changed' and o.link_id <> s.id
    on conflict do nothing`,

  // A link to leave, for who has none that works; a fresh link for what an old one may not do, and word of what was done.
  `alter table mails drop constraint mails_kind_check`,
  `alter table mails add constraint mails_kind_check
    check (kind in ('confirm', 'welcome', 'already', 'change', 'changed', 'link', 'sign_in', 'reminder', 'test',
      'leave', 'step_up', 'exported', 'erased', 'voided'))`,
  `alter table confirmations drop constraint confirmations_purpose_check`,
  `alter table confirmations add constraint confirmations_purpose_check
    check (purpose in ('subscribe', 'change', 'step_up'))`,
];
