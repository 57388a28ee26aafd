import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  findComparison,
  type StoredComparison,
  saveComparisons,
} from '../../src/comparisons/comparison-store.ts';
import { BURST, NETWORK_DAYS } from '../../src/comparisons/votes/burst.ts';
import {
  castVote,
  countVotes,
  decideSetAside,
  forgetVoteNetworks,
  isVoterCounted,
  listSetAside,
  votesOf,
  withVotes,
} from '../../src/comparisons/votes/vote-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { eraseSubscriber, exportSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { pause } from '../../src/subscribers/preferences/preferences-store.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { sendingIssue } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { readersIn } from '../helpers/readers.ts';

/** Readers' votes: one per reader and tool, and their counts. */
export function describeVotes(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { reader: newReader } = readersIn(withDatabase);

  /** Lets an issue begin now. */
  const beginIssue = async () => {
    const { id } = await sendingIssue(db);
    await sql`update issues set prepared_at = clock_timestamp() where id = ${id}`.execute(db);
    return id;
  };
  /** A reader who was subscribed before both of the last two issues. */
  const reader: typeof newReader = async (status) => {
    const one = await newReader(status);
    await sql`update subscribers set created_at = '2020-01-01', confirmed_at = case when status = 'active' then
      timestamptz '2020-01-01' end where id = ${one.id}`.execute(db);
    return one;
  };
  const duel = async (a: string, b: string) => {
    const slug = `${a}-vs-${b}`.toLowerCase();
    await saveComparisons(db, [comparison(slug, tool(a, 75), tool(b, 25))]);
    const stored = await findComparison(db, slug);
    if (stored === undefined) throw new Error('not saved');
    return stored;
  };
  /** Votes `ship` on the first tool. */
  const ship = (
    subscriberId: string,
    { id: comparisonId, comparison: { tools } }: StoredComparison,
    network?: string,
    wideNetwork: string | null = null,
  ) =>
    castVote(db, {
      ...{ subscriberId, comparisonId, tool: tools[0], call: 'ship' as const },
      from: network === undefined ? null : { network, wideNetwork },
    });
  const counted = async ({ comparison: pair }: StoredComparison) => {
    const votes = (await countVotes(db, [pair])).values().next().value;
    return votes === undefined ? 0 : votes.ship + votes.skip;
  };

  describe('votes before the second issue', () => {
    it('F12: are stored, and count as soon as their reader got a second issue', async () => {
      const [pair, early] = [await duel('Ant', 'Bat'), await reader()];
      expect([await ship(early.id, pair), await counted(pair)]).toEqual(['waiting', 0]);
      await beginIssue();
      expect([await isVoterCounted(db, early.id), await counted(pair)]).toEqual([false, 0]);
      await beginIssue();
      expect([await isVoterCounted(db, early.id), await counted(pair)]).toEqual([true, 1]);

      const late = await newReader();
      await sql`update subscribers set created_at = clock_timestamp() where id = ${late.id}`.execute(db);
      expect([await ship(late.id, pair), await isVoterCounted(db, late.id)]).toEqual(['waiting', false]);
      const next = await beginIssue();
      expect(await counted(pair)).toBe(1);
      await beginIssue();
      expect(await counted(pair)).toBe(2);
      // An issue that nobody got does not count.
      await sql`update issues set status = 'cancelled' where id = ${next}`.execute(db);
      expect(await counted(pair)).toBe(1);
    });
  });

  describe('votes', () => {
    beforeAll(async () => {
      await beginIssue();
      await beginIssue();
    });

    it('are one per reader and tool, in any order and all at once, and are counted so', async () => {
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
      expect(await cast(voters[0]?.id ?? '', second, 1, 'skip')).toBe('counted');
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

    it('are possible for active readers only, and are deleted when the reader is erased', async () => {
      const { id: comparisonId, comparison: pair } = await duel('Dog', 'Eel');
      const [name] = pair.tools;
      for (const status of ['pending', 'unsubscribed', 'suppressed'] as const) {
        const { id } = await reader(status);
        expect(await castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'ship' })).toBeNull();
      }
      const { id } = await reader();
      expect(await castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'ship' })).toBe(
        'counted',
      );
      expect((await exportSubscriber(db, id))?.votes).toMatchObject([
        { tool: 'dog', call: 'ship', comparison: 'dog-vs-eel', state: 'counted' },
      ]);
      await Promise.all([
        eraseSubscriber(db, { id }, 'post_button'),
        castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'skip' }),
      ]);
      expect((await countVotes(db, [pair])).size).toBe(0);
    });

    it('F12: count for active readers only: not after unsubscribing, and again two issues after coming back', async () => {
      const pair = await duel('Fox', 'Gnu');
      const [stays, leaves, bounces, pauses] = await Promise.all([1, 2, 3, 4].map(() => reader()));
      for (const one of [stays, leaves, bounces, pauses]) await ship(one?.id ?? '', pair);
      expect(await counted(pair)).toBe(4);
      await pause(db, pauses?.id ?? '');
      await unsubscribe(db, leaves?.id ?? '', 'one_click');
      await sql`update subscribers set status = 'suppressed', reason = 'bounce' where id = ${bounces?.id}`.execute(
        db,
      );
      expect(await counted(pair)).toBe(2);

      await sql`update subscribers set status = 'active', confirmed_at = clock_timestamp(), left_at = null
        where id = ${leaves?.id}`.execute(db);
      expect(await counted(pair)).toBe(2);
      await beginIssue();
      await beginIssue();
      expect(await counted(pair)).toBe(3);
    });

    it('F12: of one network in a burst are set aside, and others are not', async () => {
      const [pair, other] = [await duel('Hen', 'Ibis'), await duel('Jay', 'Koi')];
      for (let n = 0; n < 3; n += 1) await ship((await reader()).id, pair, '198.51.100.0/24');
      const states = [];
      for (let n = 0; n <= BURST.votes; n += 1) {
        const { id } = await reader();
        states.push(await ship(id, pair, '203.0.113.0/24'));
        await ship(id, other, `192.0.${n}.0/24`);
      }
      // All of them, including the first.
      expect(states.at(-1)).toBe('set_aside');
      expect([await counted(pair), await counted(other)]).toEqual([3, BURST.votes + 1]);
      expect(await ship((await reader()).id, pair, '203.0.113.0/24')).toBe('set_aside');
      expect(await ship((await reader()).id, pair, '198.51.100.0/24')).toBe('counted');
      const waiting = (await listSetAside(db)).find((each) => each.tool === 'hen');
      expect(waiting).toMatchObject({ slug: 'hen-vs-ibis', ship: BURST.votes + 2, skip: 0, networks: 1 });
      const { rows } = await sql<{
        network: string;
      }>`select network from votes where network is not null`.execute(db);
      expect(rows.filter(({ network }) => !/^[0-9a-f]{64}$/.test(network))).toEqual([]);
    });

    it('F12: of many narrow networks in a wide one are a burst as well', async () => {
      const pair = await duel('Lynx', 'Mole');
      let state: string | null = null;
      for (let n = 0; n <= BURST.wideVotes; n += 1)
        state = await ship((await reader()).id, pair, `2001:db8:1:${n}::/64`, '2001:db8:1::/48');
      expect([state, await counted(pair)]).toEqual(['set_aside', 0]);
    });

    it('F12: cast at the same time are all set aside in a burst', async () => {
      const pair = await duel('Newt', 'Owl');
      const voters = await Promise.all(Array.from({ length: 40 }, () => reader()));
      await Promise.all(voters.map(({ id }) => ship(id, pair, '203.0.113.0/24')));
      // The last transaction to commit has seen all others.
      await ship((await reader()).id, pair, '203.0.113.0/24');
      expect(await counted(pair)).toBe(0);
    });

    it('F12: that were set aside count or not as an editor decides, whatever their readers vote later', async () => {
      const pair = await duel('Puma', 'Quail');
      const voters = [];
      for (let n = 0; n < 12; n += 1) voters.push(await reader());
      for (const { id } of voters) await ship(id, pair, '203.0.113.0/24');
      const [first] = voters;
      const skip = {
        subscriberId: first?.id ?? '',
        comparisonId: pair.id,
        tool: pair.comparison.tools[0],
        call: 'skip' as const,
      };
      expect(await castVote(db, { ...skip, from: { network: '192.0.2.0/24', wideNetwork: null } })).toBe(
        'set_aside',
      );
      const seen = (await listSetAside(db)).find((each) => each.tool === 'puma');
      const until = seen?.until ?? '';
      // The decision does not include votes cast after the page was shown.
      const late = await reader();
      expect(await ship(late.id, pair, '203.0.113.0/24')).toBe('set_aside');
      expect(await decideSetAside(db, { tool: 'puma', until, state: 'counted' })).toBe(12);
      expect(await decideSetAside(db, { tool: 'puma', until, state: 'discarded' })).toBe(0);
      expect(await counted(pair)).toBe(12);

      const rest = (await listSetAside(db)).find((each) => each.tool === 'puma');
      expect(await decideSetAside(db, { tool: 'puma', until: rest?.until ?? '', state: 'discarded' })).toBe(
        1,
      );
      const again = { ...skip, subscriberId: late.id };
      expect([await castVote(db, again), await counted(pair)]).toEqual(['discarded', 12]);
    });

    it('F12: lose the network that they came from after a week', async () => {
      const [pair, { id }] = [await duel('Rook', 'Seal'), await reader()];
      await ship(id, pair, '203.0.113.0/24', '203.0.0.0/16');
      const networks = async () =>
        (
          await db
            .selectFrom('votes')
            .select(['network', 'wide_network'])
            .where('subscriber_id', '=', id)
            .execute()
        )[0];
      await forgetVoteNetworks(db);
      expect((await networks())?.network).toMatch(/^[0-9a-f]{64}$/);
      await sql`update votes set at = now() - make_interval(days => ${NETWORK_DAYS}, mins => 1) where subscriber_id = ${id}`.execute(
        db,
      );
      await forgetVoteNetworks(db);
      expect([await networks(), await counted(pair)]).toEqual([{ network: null, wide_network: null }, 1]);
    });
  });
}
