import { describe, expect, it } from 'vitest';
import {
  castVote,
  countVotes,
  findComparison,
  saveComparisons,
  votesOf,
  withVotes,
} from '../../src/comparisons/index.ts';
import type { Connection } from '../../src/db/index.ts';
import { eraseSubscriber, exportSubscriber } from '../../src/subscribers/index.ts';
import { comparison, tool } from '../helpers/compose.ts';
import type { WithDatabase } from '../helpers/homes.ts';
import { readersIn } from '../helpers/readers.ts';

/** The votes of readers: one each, and counted. */
export function describeVotes(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { reader } = readersIn(withDatabase);

  describe('votes', () => {
    const duel = async (a: string, b: string) => {
      const slug = `${a}-vs-${b}`.toLowerCase();
      await saveComparisons(db, [comparison(slug, tool(a, 75), tool(b, 25))]);
      const stored = await findComparison(db, slug);
      if (stored === undefined) throw new Error('not saved');
      return stored;
    };

    it('are one a reader and tool, in any order and all at once, and counted as such', async () => {
      const [first, second] = [await duel('Auk', 'Bee'), await duel('Cat', 'AUK')];
      const voters = await Promise.all([1, 2, 3].map(() => reader()));
      const cast = (subscriberId: string, where: typeof first, side: 0 | 1, call: 'ship' | 'skip') =>
        castVote(db, { subscriberId, comparisonId: where.id, tool: where.comparison.tools[side], call });
      await Promise.all(
        voters.flatMap(({ id }) => [
          cast(id, first, 0, 'ship'),
          cast(id, second, 1, 'ship'),
          cast(id, first, 1, 'skip'),
        ]),
      );
      expect(await cast(voters[0]?.id ?? '', second, 1, 'skip')).toBe(true);
      const counted = await countVotes(db, [first.comparison, second.comparison]);
      expect([...counted].map(([key, { ship, skip }]) => [key, ship, skip]).sort()).toEqual([
        ['auk', 2, 1],
        ['bee', 0, 3],
      ]);
      expect(withVotes(second.comparison, counted).tools.map(({ readers }) => readers)).toEqual([
        undefined,
        { ship: 2, skip: 1 },
      ]);
      expect(await votesOf(db, voters[0]?.id ?? '', first.comparison)).toEqual(['skip', 'skip']);
      expect(await countVotes(db, [])).toEqual(new Map());
    });

    it('are for who gets issues, and go with who is erased', async () => {
      const { id: comparisonId, comparison: pair } = await duel('Dog', 'Eel');
      const [name] = pair.tools;
      for (const status of ['pending', 'unsubscribed', 'suppressed'] as const) {
        const { id } = await reader(status);
        expect(await castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'ship' })).toBe(false);
      }
      const { id } = await reader();
      expect(await castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'ship' })).toBe(true);
      expect((await exportSubscriber(db, id))?.votes).toMatchObject([
        { tool: 'dog', call: 'ship', comparison: 'dog-vs-eel' },
      ]);
      await Promise.all([
        eraseSubscriber(db, { id }, 'post_button'),
        castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'skip' }),
      ]);
      expect((await countVotes(db, [pair])).size).toBe(0);
    });
  });
}
