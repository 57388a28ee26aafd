import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { Call, Comparison, CountedComparison, Votes } from '../model.ts';
import { nameKey } from '../names.ts';
import { BURST, isBurst, NETWORK_DAYS } from './burst.ts';

/** A reader's word on one side of a comparison. */
export interface Ballot {
  subscriberId: string;
  /** Where it was cast. */
  comparisonId: string;
  tool: { name: string };
  call: Call;
  /** Where it came from; null where nobody knows. */
  from?: VoteOrigin | null;
}

/** The network that one party has, and a wider one that it may have as well. */
export interface VoteOrigin {
  network: string;
  wideNetwork: string | null;
}

/**
 * What a vote is worth. `waiting` counts from the reader's second issue on; `set_aside` and `discarded` are not counted:
 * too many came from its network at once, and an editor decides, or has decided, about them.
 */
export type VoteState = 'counted' | 'waiting' | 'set_aside' | 'discarded';

/**
 * Since when somebody must have been on the list for their votes to count: the beginning of the last issue but one.
 * Whoever was there got two issues, or took a break. Null while there were not two: then nobody's vote counts yet.
 */
const secondIssue = sql`(
  select min(prepared_at) from (
    select prepared_at from issues
    where prepared_at is not null and (status in ('sending', 'sent') or resume_to = 'sending')
    order by prepared_at desc limit 2
  ) as last_two
  having count(*) = 2
)`;

/** A condition on `votes v`: it counts today. Every figure of votes, wherever it is shown, is made with it. */
export const isCounted: RawBuilder<boolean> = sql<boolean>`(
  v.state = 'counted' and v.reader_since is not null and v.reader_since <= ${secondIssue}
)`;

/**
 * Keeps the vote of somebody who gets issues: one a reader and tool, whichever of its comparisons they met it
 * in. The last word counts; saying it again changes nothing.
 * @returns what it is worth; null for who is no reader any more, or not yet.
 */
export async function castVote(db: Connection, ballot: Ballot): Promise<VoteState | null> {
  const { subscriberId, comparisonId, tool, call, from } = ballot;
  const key = nameKey(tool.name);
  return db.transaction().execute(async (tx) => {
    // Whoever is being erased right now has no vote left behind.
    const { rows: readers } = await sql`
      select from subscribers where id = ${subscriberId} and status = 'active' for share
    `.execute(tx);
    if (readers.length === 0) return null;
    // What an editor set aside or discarded stays so: another word from the same reader is no decision of theirs.
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

/** Looks at what came with a vote on its tool, and sets aside all of its network if that is a burst. */
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
  // One at a time: of two that set the same votes aside, each would wait for the other.
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

/** Whether what a reader says counts already; from their second issue on it does. */
export async function isVoterCounted(db: Connection, subscriberId: string): Promise<boolean> {
  const { rows } = await sql`
    select from subscribers
    where id = ${subscriberId} and status = 'active' and greatest(created_at, confirmed_at) <= ${secondIssue}
  `.execute(db);
  return rows.length > 0;
}

/** What a reader said of each tool of a comparison so far. */
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

/** What readers say of each tool they voted on, by {@link nameKey}. One statement however many tools. */
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

/** A comparison with what readers say of its tools. Pure. */
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

/** Votes on one tool that wait for an editor. */
export interface SetAside {
  /** `nameKey` of the tool. */
  tool: string;
  /** Of a comparison that it was met in. */
  slug: string;
  ship: number;
  skip: number;
  /** Networks they came from; 0 when those are forgotten already. */
  networks: number;
  firstAt: Date;
  lastAt: Date;
  /** Goes with the decision: what came since was not looked at. */
  until: string;
}

/** Everything that waits for an editor, the newest first. */
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
 * Decides about votes that were set aside: they count after all, or never will.
 * @param until of {@link SetAside}.
 * @returns how many there were.
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

/** Where votes came from is kept for as long as somebody may want to decide about them. */
export async function forgetVoteNetworks(db: Connection): Promise<void> {
  await sql`
    update votes set network = null, wide_network = null
    where network is not null and at < now() - make_interval(days => ${NETWORK_DAYS}::int)
  `.execute(db);
}
