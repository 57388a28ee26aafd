import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHealthServer } from '../../src/app/server.ts';
import { reconcileAndBeat } from '../../src/workflow/duties.ts';
import { checkHealth } from '../../src/workflow/health.ts';
import { approve, cancel } from '../../src/workflow/week.ts';
import type { NewDeskDatabase } from '../helpers/desk.ts';
import { openWeeks, type Weeks } from '../helpers/weeks.ts';

const FIRST = '2027-01-05';

/** What a check from outside sees, and when the heartbeat stops. */
export function describeHealth(name: string, newDatabase: NewDeskDatabase): void {
  describe(`the deep health check on ${name}`, () => {
    let weeks: Weeks;
    let beats = 0;
    beforeEach(async () => {
      weeks = await openWeeks(newDatabase);
      beats = 0;
      Object.assign(weeks.app, {
        beat: async () => {
          beats += 1;
        },
      });
    });
    afterEach(async () => {
      await weeks?.[Symbol.asyncDispose]();
    });
    const health = () => checkHealth(weeks.app);
    const beat = async () => {
      beats = 0;
      await reconcileAndBeat(weeks.app);
      return beats;
    };

    it('Y6: is well after the duties were done, and failing when they were not for twenty minutes', async () => {
      expect(await health()).toMatchObject({ status: 'failing', failing: ['reconcile'], reconcile: null });
      expect(await beat()).toBe(1);
      expect(await health()).toEqual({
        ...{ status: 'ok', failing: [], database: true, faults: [], lastIssue: null },
        queue: { isAvailable: true, oldestSeconds: 0 },
        reconcile: { ageSeconds: 0, failingDuties: 0 },
        slot: { slug: null, lateSeconds: 0 },
        provider: { awaySeconds: 0 },
      });
      weeks.at('2027-01-04T12:20:01Z');
      expect(await health()).toMatchObject({ status: 'failing', failing: ['reconcile'] });
      expect(await beat()).toBe(1);
    });

    it('Y3: a late slot stops the heartbeat until its issue goes out, is cancelled, or the next one was sent', async () => {
      await weeks.news('a-vs-b');
      expect(await beat()).toBe(1);
      weeks.at('2027-01-05T09:10:00Z');
      expect(await beat()).toBe(0);
      expect(await health()).toMatchObject({
        failing: ['slot'],
        slot: { slug: FIRST, lateSeconds: 600 },
      });
      await approve(weeks.app, await weeks.issue(FIRST));
      await weeks.minute();
      expect(await beat()).toBe(1);
      expect(await health()).toMatchObject({ status: 'ok', lastIssue: { slug: FIRST, slot: FIRST } });
      await weeks.news('c-vs-d');
      weeks.at('2027-01-12T08:00:00Z');
      await beat();
      weeks.at('2027-01-12T09:00:00Z');
      expect(await beat()).toBe(0);
      await cancel(weeks.app, await weeks.issue('2027-01-12'));
      expect(await beat()).toBe(1);
    });

    it('Y6: a failing duty, a provider that is away and an old job stop it', async () => {
      const { db } = weeks.app;
      await beat();
      await sql`insert into failing_duties (duty, failures, reason, failed_at)
        values ('draft issues', 3, 'it is broken', now())`.execute(db);
      expect(await health()).toMatchObject({ failing: ['duties'], reconcile: { failingDuties: 1 } });
      await sql`truncate failing_duties`.execute(db);
      await sql`update circuit set failures = 9, reason = 'no answer', since = now() - interval '2 hours',
        open_until = now() + interval '5 minutes'`.execute(db);
      expect(await health()).toMatchObject({ failing: ['provider'] });
      expect(await beat()).toBe(0);
      await sql`update circuit set failures = 0, reason = null, since = null, open_until = null`.execute(db);
      Object.assign(weeks.app.queue, {
        oldestWaitingMs: async (queue: string) => (queue === 'delivery' ? 9_999_999 : 1_000_000),
      });
      expect(await health()).toMatchObject({ failing: ['queue'], queue: { oldestSeconds: 1_000 } });
      Object.assign(weeks.app.queue, { oldestWaitingMs: () => Promise.reject(new Error('gone')) });
      expect(await health()).toMatchObject({ failing: ['queue'], queue: { isAvailable: false } });
    });

    it('Y6: is 200 or 503 with numbers, and nothing that must stay private', async () => {
      const { app } = weeks;
      const server = await createHealthServer({
        ready: async () => {},
        health: () => checkHealth(app),
        logger: false,
      });
      await weeks.news('a-vs-b');
      await beat();
      const well = await server.inject('/healthz?deep');
      expect([well.statusCode, well.headers['cache-control'], well.json().status]).toEqual([
        200,
        'no-store',
        'ok',
      ]);
      weeks.at('2027-01-05T09:20:00Z');
      await beat();
      const late = await server.inject('/healthz?deep=1');
      expect([late.statusCode, late.json().failing]).toEqual([503, ['slot']]);
      expect(late.body).not.toMatch(/@|chief|editor|approved/);
      expect((await server.inject({ method: 'HEAD', url: '/healthz?deep' })).statusCode).toBe(503);
      expect((await server.inject('/healthz')).json()).toEqual({ status: 'ok' });
      await server.close();
    });
  });
}
