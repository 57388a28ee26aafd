import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { createBaseServer } from '../../src/platform/http/base-server.ts';
import { answerProblems } from '../../src/platform/http/problems.ts';
import { readResendEvent } from '../../src/providers/resend/resend-event.ts';
import { resendWebhook } from '../../src/providers/resend/resend-webhook.ts';
import { applyChunk, applyEvents } from '../../src/sending/events/apply-events.ts';
import { storeEvents } from '../../src/sending/events/event-store.ts';
import { webhookRoutes } from '../../src/sending/events/webhook-routes.ts';
import {
  HARD,
  outcomeOf,
  payload,
  recount,
  SOFT,
  signedRequest,
  submittedWeek,
  WEBHOOK_SECRET,
} from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';

const READERS = 5_000;
const EVENTS = 50_000;
/** One in five events is a repetition. */
const DIFFERENT = (EVENTS * 4) / 5;
/** Events that are posted, one request each, while the others are applied. */
const POSTED = 1_000;

const CLICK = { click: { link: 'https://site.example/compare/a-vs-b', userAgent: 'Mozilla/5.0' } };
/** Type, its data, and how often it happens: up to that number in a thousand. */
const TYPES: [string, Record<string, unknown>, number][] = [
  ['email.sent', {}, 250],
  ['email.delivered', {}, 600],
  ['email.delivery_delayed', {}, 650],
  ['email.opened', {}, 850],
  ['email.clicked', CLICK, 930],
  ['email.bounced', HARD, 950],
  ['email.bounced', SOFT, 980],
  ['email.complained', {}, 990],
  ['email.failed', { failed: { reason: 'reached_daily_quota' } }, 1_000],
];

/** As many events as a large issue causes at once, on tables without statistics. */
export function describeManyEvents(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    let db: Connection;
    databaseForAll(newLocation, (database) => {
      db = database.kysely;
    });

    /** A story of events by reader, the same for the same seed. */
    const story = fc.sample(
      fc.record({
        reader: fc.nat({ max: READERS - 1 }),
        kind: fc.nat({ max: 999 }),
        second: fc.nat({ max: 3_599 }),
      }),
      { numRuns: DIFFERENT, seed: 20_261_124 },
    );

    /** The events as the provider posts them about the deliveries of an issue. */
    function posts(deliveries: readonly string[], issue: string) {
      return story.map(({ reader, kind, second }, index) => {
        const [type = '', data] = TYPES.find(([, , upTo]) => kind < upTo) ?? [];
        const at = new Date(Date.UTC(2026, 10, 24, 9, 0, second)).toISOString();
        const body = payload(type, { ...data, tags: { delivery: deliveries[reader] } }, at);
        return { id: `msg_${issue}_${index}`, at, body };
      });
    }

    const store = async (sent: ReturnType<typeof posts>) => {
      for (let from = 0; from < sent.length; from += 500) {
        const events = sent
          .slice(from, from + 500)
          .map(({ id, body }) => readResendEvent(id, Buffer.from(JSON.stringify(body)), new Date()));
        await storeEvents(db, events);
      }
    };

    it('50,000 events out of order, one in five repeated, end in the same state as in order and once, while more arrive', async () => {
      const inOrder = await submittedWeek(db, READERS);
      const sorted = posts(inOrder.deliveries, 'ordered').sort((a, b) => (a.at < b.at ? -1 : 1));
      await store(sorted);
      expect(await applyEvents(db)).toMatchObject({ applied: DIFFERENT, parked: 0 });
      const expected = await outcomeOf(db, inOrder.issue.id);
      await assertInvariants(db, inOrder.issue.id);

      const { issue, deliveries } = await submittedWeek(db, READERS);
      const once = posts(deliveries, 'disordered');
      const all = [...once, ...once.filter((_, index) => index % 4 === 0)];
      const [sent = []] = fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), {
        numRuns: 1,
        seed: 7,
      });
      expect(sent).toHaveLength(EVENTS);
      await store(sent.slice(POSTED));

      const server = createBaseServer({ logger: false });
      answerProblems(server);
      await server.register(async (scope) =>
        webhookRoutes(scope, {
          db,
          webhook: resendWebhook([WEBHOOK_SECRET], () => new Date()),
          onEvents() {},
        }),
      );
      let isApplying = true;
      const applying = applyEvents(db).finally(() => {
        isApplying = false;
      });
      const answers: { status: number; duringApplication: boolean }[] = [];
      const queue = sent.slice(0, POSTED);
      const post = async () => {
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
          const { headers, payload: bytes } = signedRequest(next.body, { id: next.id });
          const { statusCode } = await server.inject({
            ...{ method: 'POST', url: '/webhooks/resend' },
            ...{ headers, payload: bytes },
          });
          answers.push({ status: statusCode, duringApplication: isApplying });
        }
      };
      await Promise.all(Array.from({ length: 8 }, post));
      await applying;
      await applyEvents(db);
      await server.close();

      expect(answers.filter(({ status }) => status === 200)).toHaveLength(POSTED);
      expect(answers.filter(({ duringApplication }) => duringApplication).length).toBeGreaterThan(
        POSTED / 10,
      );
      const { rows } = await sql<{ outcome: string; count: number }>`
        select outcome, count(*) as count from events where id like 'msg_disordered%' group by outcome
      `.execute(db);
      expect(rows).toEqual([{ outcome: 'applied', count: DIFFERENT }]);
      expect(await outcomeOf(db, issue.id)).toEqual(expected);
      const { issue_id, ...figures } = await db
        .selectFrom('figures')
        .selectAll()
        .where('issue_id', '=', issue.id)
        .executeTakeFirstOrThrow();
      expect(figures).toEqual(await recount(db, issue_id));
      await assertInvariants(db, issue.id);
    }, 480_000);

    it('are applied by index look-ups only: no growing table is scanned', async () => {
      const { deliveries } = await submittedWeek(db, READERS);
      await store(posts(deliveries, 'scanned').slice(0, 1_000));
      // Statistics of earlier work in this session may not have been flushed yet.
      const counted = async (tx: Connection) => {
        const { rows } = await sql<{ relname: string; seq_scan: number; n_tup_upd: number }>`
          select relname, seq_scan, n_tup_upd from pg_stat_xact_user_tables
          where relname in ('events', 'deliveries', 'subscribers', 'batches', 'clicks')
        `.execute(tx);
        return new Map(rows.map(({ relname, ...counts }) => [relname, counts]));
      };
      const { applied, before, after } = await db.transaction().execute(async (tx) => ({
        before: await counted(tx),
        applied: (await applyChunk(tx))?.applied,
        after: await counted(tx),
      }));
      expect(applied).toBe(1_000);
      const more = (table: string, count: 'seq_scan' | 'n_tup_upd') =>
        (after.get(table)?.[count] ?? 0) - (before.get(table)?.[count] ?? 0);
      expect(more('events', 'n_tup_upd')).toBe(1_000);
      expect([...after.keys()].map((table) => [table, more(table, 'seq_scan')])).toEqual(
        [...after.keys()].map((table) => [table, 0]),
      );
    });
  });
}
