import { type RawNode, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { addSubscribers } from '../../../src/subscribers/subscriber-store.ts';
import { answerRequests } from '../../helpers/mail-requests.ts';
import { BROWSER, type SubscribeForm } from './form.ts';

/** Neither answers nor statements reveal who is in the database. */
export function describeSecrecy(form: SubscribeForm): void {
  describe('a sign-up does not reveal who is in the database', () => {
    const { clear, json, waiting } = form;

    const person = (email: string, status: 'pending' | 'active' | 'unsubscribed' | 'suppressed') => ({
      email,
      key: email,
      status,
      topics: [],
      timezone: null,
      confirmedAt: status === 'active' ? new Date('2026-11-01T00:00:00Z') : null,
    });

    it('the answer is the same, byte for byte, and so are its SQL statements', async () => {
      await clear();
      await addSubscribers(
        form.site.db,
        [
          person('pending@hidden.example', 'pending'),
          person('active@hidden.example', 'active'),
          person('unsubscribed@hidden.example', 'unsubscribed'),
          person('suppressed@hidden.example', 'suppressed'),
        ],
        'test',
      );
      await sql`insert into erased_addresses (hash) values (address_hash('erased@hidden.example'))`.execute(
        form.site.db,
      );
      await sql`insert into refused_inboxes (limit_key) values (address_hash('refused@hidden.example'))`.execute(
        form.site.db,
      );

      const statements: string[] = [];
      const db = form.site.db.withPlugin({
        transformQuery({ node }) {
          statements.push((node as RawNode).sqlFragments?.join('?') ?? node.kind);
          return node;
        },
        transformResult: async ({ result }) => result,
      });
      const watched = await form.site.serve({ db });

      const cases: Record<string, Record<string, string>> = {
        new: { email: 'new@hidden.example' },
        pending: { email: 'pending@hidden.example' },
        active: { email: 'active@hidden.example' },
        unsubscribed: { email: 'unsubscribed@hidden.example' },
        suppressed: { email: 'suppressed@hidden.example' },
        erased: { email: 'erased@hidden.example' },
        refused: { email: 'refused@hidden.example' },
        again: { email: 'new@hidden.example' },
        disposable: { email: 'new@mailinator.com' },
        honeypot: { email: 'bot@hidden.example', website: 'https://spam.example' },
      };
      for (const headers of [{ accept: '*/*' }, BROWSER]) {
        const seen = new Map<string, string>();
        for (const [name, fields] of Object.entries(cases)) {
          statements.length = 0;
          const answer = await json({ ...fields }, { headers }, watched);
          const { date, ...rest } = answer.headers;
          seen.set(
            name,
            JSON.stringify([answer.statusCode, rest, answer.rawPayload.toString('hex'), [...statements]]),
          );
        }
        expect(new Set(seen.values()).size).toBe(1);
        expect(seen.get('new')).toContain(headers === BROWSER ? '[303,' : '[202,');
        expect(seen.get('new')).toContain('insert into mail_requests');
      }
      expect((await waiting()).map(({ email }) => email)).not.toContain('bot@hidden.example');
      await answerRequests(form.site.db, form.site.keys);
    });

    it('two posts with one Idempotency-Key are one sign-up, like any two posts', async () => {
      await clear();
      const headers = { 'idempotency-key': 'one' };
      const [first, second] = [
        await json({ email: 'idem@example.org' }, { headers }),
        await json({ email: 'idem@example.org' }, { headers }),
      ];
      expect(second.body).toBe(first.body);
      expect((await answerRequests(form.site.db, form.site.keys)).mailIds).toHaveLength(1);
    });
  });
}
