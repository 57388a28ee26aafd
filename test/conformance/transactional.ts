import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { circuitState } from '../../src/providers/circuit/circuit-store.ts';
import type { Mailer, Outcome, SingleMail } from '../../src/providers/port.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { pendingMails, queueMail } from '../../src/transactional/transactional-store.ts';
import { KEYS } from '../helpers/ledger.ts';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';

/**
 * A provider of single mails that answers each request with the next planned outcome, and accepts when there is none.
 */
class Counter implements Mailer {
  readonly destination = 'the test';
  readonly sent: { mail: SingleMail; key: string }[] = [];
  readonly plan: (Outcome | Error)[] = [];
  submit = (): Promise<Outcome> => Promise.reject(new Error('no batches here'));
  async send(mail: SingleMail, key: string): Promise<Outcome> {
    this.sent.push({ mail, key });
    const next = this.plan.shift() ?? { kind: 'accepted', items: [{ accepted: `p-${mail.mailId}` }] };
    if (next instanceof Error) throw next;
    return next;
  }
}

const SETTINGS = {
  from: 'Verdicts <hello@verdicts.example>',
  replyTo: 'desk@verdicts.example',
  newsletter: { name: 'Verdicts', url: 'https://verdicts.example', postalAddress: '1 Street' },
};

/** A mail to one person: first a row, then a request, then the answer in the row. */
export function describeTransactional(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    let db: Connection;
    let mailer: Counter;
    let send: ReturnType<typeof createMailSender>;
    databaseForAll(newLocation, ({ kysely }) => {
      db = kysely;
    });
    beforeEach(async () => {
      await sql`update circuit set failures = 0, reason = null, since = null, open_until = null`.execute(db);
      mailer = new Counter();
      send = createMailSender(db, mailer, KEYS, SETTINGS);
    });

    async function queued(status: 'pending' | 'suppressed' = 'pending'): Promise<string> {
      const email = `${randomUUID()}@readers.example`;
      const reader = { email, key: email, status, topics: [], timezone: null, confirmedAt: null };
      await addSubscribers(db, [reader], 'test');
      const { id } = await db
        .selectFrom('subscribers')
        .select('id')
        .where('email_key', '=', email)
        .executeTakeFirstOrThrow();
      return queueMail(db, { kind: 'confirm', subscriberId: id, keyId: keyId(KEYS[0]) });
    }
    const pauseIsOver = () => sql`update circuit set open_until = now()`.execute(db);
    const row = (id: string) =>
      db.selectFrom('mails').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

    it('is sent once, however often the job runs', async () => {
      const id = await queued();
      expect(await Promise.all([send(id), send(id), send(id)])).toEqual(Array(3).fill({ kind: 'done' }));
      expect(await send(id)).toEqual({ kind: 'done' });
      expect(mailer.sent).toHaveLength(1);
      expect(await row(id)).toMatchObject({ status: 'sent', provider_id: `p-${id}`, lease_id: null });
      expect((await row(id)).sent_at).toBeInstanceOf(Date);
    });

    it('has the same bytes under the same key when its answer was lost', async () => {
      const id = await queued();
      mailer.plan.push(new Error('read ECONNRESET'));
      expect(await send(id)).toEqual({ kind: 'again', reason: 'read ECONNRESET' });
      expect(await pendingMails(db)).toContain(id);
      expect(await send(id)).toEqual({ kind: 'done' });
      expect(mailer.sent[1]).toEqual(mailer.sent[0]);
      expect(mailer.sent[0]?.key).toBe(`mail/${id}`);
    });

    it('waits when the provider says so, and is still sent later', async () => {
      const id = await queued();
      mailer.plan.push({ kind: 'retryAfter', ms: 700 }, { kind: 'halt', reason: 'no key' });
      expect(await send(id)).toEqual({ kind: 'wait', ms: 700 });
      expect(await send(id)).toEqual({ kind: 'again', reason: 'no key' });
      expect(await row(id)).toMatchObject({ status: 'pending' });
    });

    it.each<[Outcome, object]>([
      [
        { kind: 'rejected', reason: 'bad address' },
        { status: 'failed', reason: 'bad address' },
      ],
      [
        { kind: 'accepted', items: [{ rejected: 'bad address' }] },
        { status: 'failed', reason: 'bad address' },
      ],
      [
        { kind: 'ambiguous', reason: 'other bytes', final: true },
        { status: 'uncertain', reason: 'other bytes' },
      ],
    ])('that gets %j is closed', async (outcome, end) => {
      const id = await queued();
      mailer.plan.push(outcome);
      expect(await send(id)).toEqual({ kind: 'done' });
      expect(await row(id)).toMatchObject(end);
      await send(id);
      expect(mailer.sent).toHaveLength(1);
    });

    it('never goes to a suppressed address', async () => {
      const id = await queued('suppressed');
      await send(id);
      expect(mailer.sent).toEqual([]);
      expect(await row(id)).toMatchObject({ status: 'dropped' });
    });

    it('of a kind that only a newer version knows waits for that version, and is not dropped', async () => {
      const id = await queued();
      await sql`update mails set kind = 'anniversary' where id = ${id}`.execute(db);
      expect(await send(id)).toMatchObject({ kind: 'again', reason: expect.stringContaining('anniversary') });
      expect(mailer.sent).toEqual([]);
      expect(await row(id)).toMatchObject({ status: 'pending', attempts: 0 });
      await sql`delete from mails where id = ${id}`.execute(db);
    });

    it('is not tried again when the provider may have forgotten its key', async () => {
      const id = await queued();
      mailer.plan.push(new Error('timeout'));
      await send(id);
      await sql`update mails set claimed_at = now() - interval '21 hours' where id = ${id}`.execute(db);
      await send(id);
      expect(mailer.sent).toHaveLength(1);
      expect(await row(id)).toMatchObject({ status: 'uncertain' });
    });

    it('Y6: about a notice is sent even then: a second copy does no harm, and a lost one does', async () => {
      const content = {
        groups: [],
        over: [{ was: 'It failed.', words: 'It works.', at: 'now' }],
        moreOver: 0,
      };
      const id = await queueMail(db, {
        ...{ kind: 'notice', recipient: 'ops@desk.example', keyId: keyId(KEYS[0]) },
        content: { ...content, isEditor: false },
      });
      mailer.plan.push(new Error('timeout'));
      await send(id);
      await sql`update mails set claimed_at = now() - interval '30 hours' where id = ${id}`.execute(db);
      await send(id);
      expect(mailer.sent.map(({ key }) => key)).toEqual([`mail/${id}`, `mail/${id}`]);
      expect(await row(id)).toMatchObject({ status: 'sent' });
    });

    it('sends nothing to an unresponsive provider, except for one probe', async () => {
      const ids = await Promise.all(Array.from({ length: 7 }, () => queued()));
      const [first = '', ...others] = ids;
      const last = others.at(-1) ?? '';
      mailer.plan.push(...Array.from({ length: 5 }, () => new Error('connect ECONNREFUSED')));
      for (const id of ids.slice(0, 4)) expect(await send(id)).toMatchObject({ kind: 'again' });
      const fifth = await send(ids[4] ?? '');
      expect(fifth).toMatchObject({ kind: 'wait', reason: 'connect ECONNREFUSED' });
      expect(await circuitState(db)).toMatchObject({ failures: 5, isOpen: true });

      // No request is made, and a waiting mail does not grow too old for its key.
      expect(await send(last)).toEqual({ kind: 'wait', ms: 1_000 });
      expect(await send(first)).toEqual({ kind: 'wait', ms: 1_000 });
      expect(mailer.sent).toHaveLength(5);
      expect(await row(last)).toMatchObject({ status: 'pending', claimed_at: null, attempts: 0 });
      expect(await row(first)).toMatchObject({
        status: 'pending',
        claimed_at: expect.any(Date),
        attempts: 1,
      });
      expect(await pendingMails(db)).toEqual(expect.arrayContaining(ids));

      // One of them sends a probe, without success; no other does meanwhile.
      await pauseIsOver();
      mailer.plan.push(new Error('timeout'));
      const [tried, waited] = await Promise.all([send(first), send(last)]);
      expect([tried, waited].map(({ kind }) => kind)).toEqual(['wait', 'wait']);
      expect(mailer.sent).toHaveLength(6);
      expect(await circuitState(db)).toMatchObject({ failures: 6, isOpen: true });

      // The next probe gets an answer, whatever it is: then every worker may send again.
      await pauseIsOver();
      mailer.plan.push({ kind: 'rejected', reason: 'bad address' });
      expect(await send(last)).toEqual({ kind: 'done' });
      expect(await circuitState(db)).toEqual({ failures: 0, isOpen: false, unresponsiveSeconds: 0 });
      for (const id of ids) expect(await send(id)).toEqual({ kind: 'done' });
      expect(mailer.sent).toHaveLength(13);
    });

    it('that is outdated does not use the probe', async () => {
      await sql`update circuit set failures = 5, reason = 'x', since = now(), open_until = now()`.execute(db);
      await send(await queued('suppressed'));
      expect((await circuitState(db)).isOpen).toBe(true);
      expect(await send(await queued())).toEqual({ kind: 'done' });
      expect(mailer.sent).toHaveLength(1);
    });

    it('is claimed by one worker at a time', async () => {
      const id = await queued();
      let answer: (outcome: Outcome) => void = () => {};
      let first: Promise<unknown> = Promise.resolve();
      await new Promise<void>((asked) => {
        const slow: Mailer = {
          destination: '',
          submit: mailer.submit,
          send(mail, key) {
            void mailer.send(mail, key);
            asked();
            return new Promise((resolve) => {
              answer = resolve;
            });
          },
        };
        first = createMailSender(db, slow, KEYS, SETTINGS)(id);
      });
      await send(id);
      expect(mailer.sent).toHaveLength(1);
      // The first worker's lease expires, and the second does the work: the late answer changes nothing.
      await sql`update mails set lease_until = now() where id = ${id}`.execute(db);
      await send(id);
      answer({ kind: 'rejected', reason: 'too late' });
      await first;
      expect(await row(id)).toMatchObject({ status: 'sent' });
    });
  });
}
