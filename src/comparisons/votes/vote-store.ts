import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { Call, Comparison, CountedComparison, Votes } from '../model.ts';
import { nameKey } from '../names.ts';
import { BURST, isBurst, NETWORK_DAYS } from './burst.ts';

/** A reader's vote on one tool of a comparison. */
export interface Ballot {
  subscriberId: string;
  /** The comparison in which it was cast. */
  comparisonId: string;
  tool: { name: string };
  call: Call;
  /** Its networks; null when unknown. */
  from?: VoteOrigin | null;
}

/** The narrowest network of one person, and a wider one that they may also own. */
export interface VoteOrigin {
  network: string;
  wideNetwork: string | null;
}

/**
 * Whether a vote counts. `waiting`: it counts from the reader's second issue on. `set_aside` and `discarded`: it is not
 * counted, because too many votes came from its network at once, and an editor must decide, or decided against it.
 */
export type VoteState = 'counted' | 'waiting' | 'set_aside' | 'discarded';

/**
 * Votes of readers subscribed since before this time count: the beginning of the last issue but one. Such a reader got
 * two issues, or paused. Null until two issues were sent: until then no vote counts.
 */
const secondIssue = sql`(
  select min(prepared_at) from (
    select prepared_at from issues
    where prepared_at is not null and (status in ('sending', 'sent') or resume_to = 'sending')
    order by prepared_at desc limit 2
  ) as last_two
  having count(*) = 2
)`;

/** A condition on `votes v`: the vote counts today. Every vote figure shown anywhere uses it. */
export const isCounted: RawBuilder<boolean> = sql<boolean>`(
  v.state = 'counted' and v.reader_since is not null and v.reader_since <= ${secondIssue}
)`;

/**
 * Stores a reader's vote: one per reader and tool, in whichever comparison it was cast. The latest vote counts; the
 * same vote again changes nothing.
 * @returns whether it counts; null when the person is not a reader.
 */
export async function castVote(db: Connection, ballot: Ballot): Promise<VoteState | null> {
  const { subscriberId, comparisonId, tool, call, from } = ballot;
  const key = nameKey(tool.name);
  return db.transaction().execute(async (tx) => {
    // Locks the reader, so that somebody who is being erased leaves no vote behind.
    const { rows: readers } = await sql`
      select from subscribers where id = ${subscriberId} and status = 'active' for share
    `.execute(tx);
    if (readers.length === 0) return null;
    // A vote that an editor set aside or discarded stays so: the reader's next vote does not undo the decision.
    const { rows: cast } = await sql<{ network: string | null }>`
      insert into votes (subscriber_id, tool_key, call, comparison_id, reader_since, network, wide_network)
      select id, ${key}, ${call}, ${comparisonId}, greatest(created_at, confirmed_at),
        address_hash('network ' || ${from?.network ?? null}::text),
        address_hash('network ' || ${from?.wideNetwork ?? null}::text)
      from subscribers where id = ${subscriberId}
      on conflict (subscriber_id, tool_key) do update
      set call = excluded.call, comparison_id = excluded.comparison_id, at = excluded.at, network = excluded.network,
        wide_network = excluded.wide_network
      where votes.call <> excluded.call
      returning network
    `.execute(tx);
    if (cast[0]?.network != null) await setBurstAside(tx, subscriberId, key);
    const { rows } = await sql<{ state: VoteState }>`
      select case when v.state <> 'counted' then v.state when ${isCounted} then 'counted' else 'waiting' end as state
      from votes v where subscriber_id = ${subscriberId} and tool_key = ${key}
    `.execute(tx);
    return rows[0]?.state ?? null;
  });
}

/** Checks the network of a vote on its tool, and sets aside all votes of that network when they are a burst. */
async function setBurstAside(tx: Connection, subscriberId: string, key: string): Promise<void> {
  const recently = sql`at > now() - make_interval(mins => ${BURST.minutes}::int)`;
  const { rows } = await sql<{ narrow: number; wide: number }>`
    select
      (select count(*)::int from votes where tool_key = v.tool_key and network = v.network and ${recently}) as narrow,
      (select count(*)::int from votes where tool_key = v.tool_key and wide_network = v.wide_network and ${recently}) as wide
    from votes v where subscriber_id = ${subscriberId} and tool_key = ${key}
  `.execute(tx);
  const { narrow = 0, wide = 0 } = rows[0] ?? {};
  if (narrow <= BURST.votes && wide <= BURST.wideVotes) return;
  // One at a time: two transactions that set the same votes aside would deadlock.
  await sql`select pg_advisory_xact_lock(hashtext('votes'), hashtext(${key}))`.execute(tx);
  const { rows: counted } = await sql<{ all: number }>`
    select count(*)::int as all from votes where tool_key = ${key} and network is not null and ${recently}
  `.execute(tx);
  if (!isBurst({ narrow, wide, all: counted[0]?.all ?? 0 })) return;
  await sql`
    update votes v set state = 'set_aside', set_aside_at = now()
    from votes own
    where own.subscriber_id = ${subscriberId} and own.tool_key = ${key} and v.tool_key = ${key} and v.state = 'counted'
      and v.at > now() - make_interval(mins => ${BURST.minutes}::int)
      and ((v.network = own.network and ${narrow}::int > ${BURST.votes}::int)
        or (v.wide_network = own.wide_network and ${wide}::int > ${BURST.wideVotes}::int))
  `.execute(tx);
}

/** Whether a reader's votes count already: from their second issue on. */
export async function isVoterCounted(db: Connection, subscriberId: string): Promise<boolean> {
  const { rows } = await sql`
    select from subscribers
    where id = ${subscriberId} and status = 'active' and greatest(created_at, confirmed_at) <= ${secondIssue}
  `.execute(db);
  return rows.length > 0;
}

/** A reader's votes on the tools of a comparison. */
export async function votesOf(
  db: Connection,
  subscriberId: string,
  { tools }: Pick<Comparison, 'tools'>,
): Promise<[Call | null, Call | null]> {
  const keys = tools.map(({ name }) => nameKey(name));
  const rows = await db
    .selectFrom('votes')
    .select(['tool_key', 'call'])
    .where('subscriber_id', '=', subscriberId)
    .where('tool_key', 'in', keys)
    .execute();
  const calls = new Map(rows.map((row) => [row.tool_key, row.call]));
  return [calls.get(keys[0] ?? '') ?? null, calls.get(keys[1] ?? '') ?? null];
}

/** Readers' votes on each tool, by {@link nameKey}. One statement for any number of tools. */
export async function countVotes(
  db: Connection,
  comparisons: readonly Pick<Comparison, 'tools'>[],
): Promise<Map<string, Votes & { lastAt: Date }>> {
  const keys = comparisons.flatMap(({ tools }) => tools.map(({ name }) => nameKey(name)));
  if (keys.length === 0) return new Map();
  const { rows } = await sql<{ key: string; ship: number; skip: number; lastAt: Date }>`
    select tool_key as key, count(*) filter (where call = 'ship') as ship,
      count(*) filter (where call = 'skip') as skip, max(at) as "lastAt"
    from votes v where tool_key = any(${[...new Set(keys)]}::text[]) and ${isCounted} group by tool_key
  `.execute(db);
  return new Map(rows.map(({ key, ...votes }) => [key, votes]));
}

/** Readers' votes on tools since a time each, in the order of the request. One statement for any number of tools. */
export async function countVotesSince(
  db: Connection,
  tools: readonly { name: string; since: Date }[],
): Promise<Votes[]> {
  if (tools.length === 0) return [];
  const asked = tools.map(({ name, since }, place) => ({ place, key: nameKey(name), since }));
  const { rows } = await sql<{ place: number; ship: number; skip: number }>`
    select a.place, (count(*) filter (where v.call = 'ship'))::int as ship,
      (count(*) filter (where v.call = 'skip'))::int as skip
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as a (place int, key text, since timestamptz)
    join votes v on v.tool_key = a.key and v.at >= a.since
    where ${isCounted} group by a.place
  `.execute(db);
  const found = new Map(rows.map(({ place, ship, skip }) => [place, { ship, skip }]));
  return tools.map((_, place) => found.get(place) ?? { ship: 0, skip: 0 });
}

/** A comparison with the readers' votes on its tools. Pure. */
export function withVotes<Of extends Comparison>(
  comparison: Of,
  counted: ReadonlyMap<string, Votes>,
): Of & CountedComparison {
  const [a, b] = comparison.tools.map((tool) => {
    const votes = counted.get(nameKey(tool.name));
    return votes ? { ...tool, readers: { ship: votes.ship, skip: votes.skip } } : tool;
  });
  return { ...comparison, tools: [a, b] as CountedComparison['tools'] };
}

/** Votes on one tool that wait for an editor's decision. */
export interface SetAside {
  /** `nameKey` of the tool. */
  tool: string;
  /** Slug of a comparison with this tool. */
  slug: string;
  ship: number;
  skip: number;
  /** Number of networks; 0 when their hashes were already deleted. */
  networks: number;
  firstAt: Date;
  lastAt: Date;
  /** Passed with the decision: the editor has not seen later votes. */
  until: string;
}

/** All votes that wait for an editor's decision, newest first. */
export async function listSetAside(db: Connection): Promise<SetAside[]> {
  const { rows } = await sql<SetAside>`
    select v.tool_key as tool, min(c.slug) as slug, (count(*) filter (where call = 'ship'))::int as ship,
      (count(*) filter (where call = 'skip'))::int as skip, count(distinct network)::int as networks,
      min(at) as "firstAt", max(at) as "lastAt", max(set_aside_at)::text as until
    from votes v join comparisons c on c.id = v.comparison_id
    where v.state = 'set_aside' group by v.tool_key order by max(set_aside_at) desc, v.tool_key
  `.execute(db);
  return rows;
}

/**
 * Decides about votes that were set aside: count them, or discard them.
 * @param until of {@link SetAside}.
 * @returns the number of votes.
 */
export async function decideSetAside(
  tx: Connection,
  { tool, until, state }: { tool: string; until: string; state: 'counted' | 'discarded' },
): Promise<number> {
  const { numAffectedRows } = await sql`
    update votes set state = ${state}, set_aside_at = null
    where tool_key = ${tool} and state = 'set_aside' and set_aside_at <= ${until}::timestamptz
  `.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Deletes the networks of votes after {@link NETWORK_DAYS}: until then an editor may need them for a decision. */
export async function forgetVoteNetworks(db: Connection): Promise<void> {
  await sql`
    update votes set network = null, wide_network = null
    where network is not null and at < now() - make_interval(days => ${NETWORK_DAYS}::int)
  `.execute(db);
}
