import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { ReceivedEvent } from '../../src/providers/port.ts';
import { eventAbout, HARD, outcomeOf, recount, SOFT, submittedWeek, take } from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** Every event once, and one in five again. */
function withRepetitions(count: number): number[] {
  const all = [...Array(count).keys()];
  return [...all, ...all.slice(0, Math.ceil(count / 5))];
}

function shuffled(indexes: number[]): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray(indexes, { minLength: indexes.length });
}

/** The main property: neither order nor repetition changes the final state. */
export function describeAnyOrder(withDatabase: WithDatabase): void {
  describe('events in any order, with one in five repeated', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    const TYPES: [string, Record<string, unknown>?][] = [
      ['email.sent'],
      ['email.delivered'],
      ['email.delivery_delayed'],
      ['email.opened'],
      [
        'email.clicked',
        { click: { link: 'https://site.example/compare/a-vs-b?utm=1', userAgent: 'Mozilla/5.0' } },
      ],
      ['email.clicked', { click: { link: 'https://site.example/compare/a-vs-b', userAgent: 'Barracuda' } }],
      ['email.bounced', HARD],
      ['email.bounced', { bounce: { type: 'Permanent', subType: 'General' } }],
      ['email.bounced', SOFT],
      ['email.complained'],
      ['email.failed', { failed: { reason: 'reached_daily_quota' } }],
      ['email.failed', { failed: { reason: 'another' } }],
      ['email.suppressed', { suppressed: { type: 'OnAccountSuppressionList' } }],
      ['email.unheard_of'],
    ];

    it('lead to the same state', async () => {
      const READERS = 4;
      const happening = fc.record({
        reader: fc.nat({ max: READERS - 1 }),
        type: fc.nat({ max: TYPES.length - 1 }),
        second: fc.nat({ max: 59 }),
      });
      const story = fc
        .array(happening, { minLength: 1, maxLength: 12 })
        .chain((events) =>
          fc.tuple(
            fc.constant(events),
            shuffled(withRepetitions(events.length)),
            fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 6 }),
          ),
        );
      await fc.assert(
        fc.asyncProperty(story, async ([events, order, portions]) => {
          const outcomes = [];
          for (const [sequence, cuts] of [
            [[...events.keys()], [events.length]],
            [order, portions],
          ] as const) {
            const { issue, deliveries } = await submittedWeek(db, READERS);
            const made = events.map(({ reader, type, second }) => {
              const [name = '', data] = TYPES[type] ?? [''];
              const at = `2026-11-24T09:00:${String(second).padStart(2, '0')}Z`;
              return eventAbout(name, deliveries[reader] ?? '', { at, ...(data ? { data } : {}) });
            });
            const left = sequence.map((index) => made[index] as ReceivedEvent);
            for (let turn = 0; left.length > 0; turn += 1) {
              await take(db, ...left.splice(0, Math.max(1, cuts[turn % cuts.length] ?? 1)));
            }
            const { issue_id, ...figures } = (await db
              .selectFrom('figures')
              .selectAll()
              .where('issue_id', '=', issue.id)
              .executeTakeFirst()) ?? { issue_id: null };
            if (issue_id !== null) expect(figures).toEqual(await recount(db, issue.id));
            await assertInvariants(db, issue.id);
            outcomes.push(await outcomeOf(db, issue.id));
          }
          expect(outcomes[1]).toEqual(outcomes[0]);
        }),
        { numRuns: 25 },
      );
    });
  });
}
