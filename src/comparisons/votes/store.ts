import { sql } from 'kysely';
import type { Connection } from '../../db/index.ts';
import type { Call, Comparison, CountedComparison, Votes } from '../model.ts';
import { nameKey } from '../names.ts';

/** A reader's word on one side of a comparison. */
export interface Ballot {
  subscriberId: string;
  /** Where it was cast. */
  comparisonId: string;
  tool: { name: string };
  call: Call;
}

/**
 * Counts a vote of somebody who gets issues: one a reader and tool, whichever of its comparisons they met it
 * in. The last word counts; saying it again changes nothing.
 * @returns false for who is no reader any more, or not yet.
 */
export async function castVote(db: Connection, ballot: Ballot): Promise<boolean> {
  const { subscriberId, comparisonId, tool, call } = ballot;
  return db.transaction().execute(async (tx) => {
    // Whoever is being erased right now has no vote left behind.
    const { rows } = await sql`
      select from subscribers where id = ${subscriberId} and status = 'active' for share
    `.execute(tx);
    if (rows.length === 0) return false;
    await sql`
      insert into votes (subscriber_id, tool_key, call, comparison_id)
      values (${subscriberId}, ${nameKey(tool.name)}, ${call}, ${comparisonId})
      on conflict (subscriber_id, tool_key) do update
      set call = excluded.call, comparison_id = excluded.comparison_id, at = excluded.at
      where votes.call <> excluded.call
    `.execute(tx);
    return true;
  });
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
    from votes where tool_key = any(${[...new Set(keys)]}::text[]) group by tool_key
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
