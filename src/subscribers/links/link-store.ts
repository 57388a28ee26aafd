import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import { queueMails } from '../../transactional/transactional-store.ts';
import type { Subscriber } from '../subscriber-store.ts';
import { type Claim, type Keys, keyId } from '../tokens.ts';

/** Where a link in a mail leads to. */
export interface LinkTarget {
  /**
   * `on`: it leads to somebody who gets issues, or is about to. `off`: nobody it leads to is mailed. `unknown`: there
   * is no telling whose it is, so nobody may be told that they are off the list.
   */
  list: 'on' | 'off' | 'unknown';
  /** Whom it unsubscribes: one person, but where lists were merged or somebody else has the old inbox now. */
  people: Subscriber[];
  /** Whose preferences and votes it opens; undefined for a link that does no more than unsubscribe. */
  owner: Subscriber | undefined;
}

/** The ids of everybody that a claim leads to; the row of its own id comes first. */
const targets = ({ subscriberId, version }: Claim) => sql`
  select id, token_version as version, 1 as rank from subscribers where id = ${subscriberId}
  union all
  select subscriber_id, version, 2 from link_ids
  where link_id = ${subscriberId} and coalesce(up_to >= ${version}::int, true)
`;

/**
 * Follows a link. Its id may be of a row here, of a row in another installation whose list came to this one, or of
 * somebody who was erased or has moved since, and whose inbox somebody has again. Docs: ADR 19.
 */
export async function followLink(db: Connection, claim: Claim): Promise<LinkTarget> {
  const { rows } = await sql<Subscriber & { opens: boolean; isGone: boolean; isAccounted: boolean }>`
    select s.id, s.email, s.status, s.topics, s.token_version as "tokenVersion",
      case when s.paused_until > now() then s.paused_until end as "pausedUntil",
      coalesce(t.version = ${claim.version}::int, false) as opens, s.email = '' as "isGone",
      exists (select from old_links o where o.link_id = ${claim.subscriberId}) as "isAccounted"
    from (${targets(claim)}) t join subscribers s on s.id = t.id
    order by t.rank, s.id
  `.execute(db);
  const found = rows.filter(({ isGone }) => !isGone);
  const people = found.map(({ opens: _, isGone: __, isAccounted: ___, ...person }) => person);
  const isOn = people.some(({ status }) => status === 'active' || status === 'pending');
  const isOff = people.length > 0 || rows.some(({ isAccounted }) => isAccounted);
  const owner = found.findIndex(({ opens }) => opens);
  return { list: isOn ? 'on' : isOff ? 'off' : 'unknown', people, owner: people[owner] };
}

/**
 * Takes everybody whom a link leads to off the list. In force when it commits: a delivery that is not claimed yet
 * is excluded (I3). Asking twice changes nothing; a stronger state is never weakened (I7).
 * @returns where the link leads to afterwards: what may be said follows from it, not from the asking.
 */
export async function unsubscribeByLink(db: Connection, claim: Claim, method: string): Promise<LinkTarget> {
  await sql`
    with changed as (
      update subscribers set status = 'unsubscribed', left_at = now()
      where id in (select id from (${targets(claim)}) t) and status in ('pending', 'active')
      returning id
    )
    insert into consent_events (subscriber_id, event, method) select id, 'unsubscribed', ${method} from changed
  `.execute(db);
  return followLink(db, claim);
}

/** Mails those who get issues at an address a link that ends them. */
export function leaveLinkHandler(keys: Keys): MailRequestHandler {
  return async (tx, admitted) => {
    const { rows } = await sql<{ id: string }>`
      select id from subscribers
      where email_key = any(${admitted.map(({ emailKey }) => emailKey)}::text[]) and status = 'active'
    `.execute(tx);
    return queueMails(
      tx,
      rows.map(({ id }) => ({ kind: 'leave', subscriberId: id, keyId: keyId(keys[0]) })),
    );
  };
}
