import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import { queueMails } from '../../transactional/transactional-store.ts';
import type { Subscriber } from '../subscriber-store.ts';
import { type Claim, type Keys, keyId } from '../tokens.ts';

/** The people whom a link in a mail leads to. */
export interface LinkTarget {
  /**
   * `on`: it leads to somebody who gets issues, or will after confirming. `off`: nobody it leads to is mailed.
   * `unknown`: its owner cannot be determined, so no page may say that they are off the list.
   */
  list: 'on' | 'off' | 'unknown';
  /**
   * The people it unsubscribes: usually one. More when lists were merged, or when somebody else has the old inbox now.
   */
  people: Subscriber[];
  /** The person whose preferences and votes it opens; undefined when the link can only unsubscribe. */
  owner: Subscriber | undefined;
}

/** The ids of all people whom a claim leads to; the row with the claim's own id comes first. */
const targets = ({ subscriberId, version }: Claim) => sql`
  select id, token_version as version, 1 as rank from subscribers where id = ${subscriberId}
  union all
  select subscriber_id, version, 2 from link_ids
  where link_id = ${subscriberId} and coalesce(up_to >= ${version}::int, true)
`;

/**
 * Finds the people behind a link. The link's id may belong to a row here, to a row of another installation whose list
 * was imported here, or to a person who was erased or moved and whose address is subscribed again. Docs: ADR 19.
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
 * Unsubscribes all people whom a link leads to. It takes effect on commit: a delivery that is not claimed yet is
 * excluded (I3). A second call changes nothing; a stronger status is never weakened (I7).
 * @returns where the link leads afterwards: pages must report this state, not the request.
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

/**
 * Mails a link to each reader among the requested addresses.
 * @param kind `link` opens the preferences, `leave` unsubscribes.
 */
export function readerLinkHandler(keys: Keys, kind: 'link' | 'leave'): MailRequestHandler {
  return async (tx, accepted) => {
    const { rows } = await sql<{ id: string }>`
      select id from subscribers
      where email_key = any(${accepted.map(({ emailKey }) => emailKey)}::text[]) and status = 'active'
    `.execute(tx);
    return queueMails(
      tx,
      rows.map(({ id }) => ({ kind, subscriberId: id, keyId: keyId(keys[0]) })),
    );
  };
}
