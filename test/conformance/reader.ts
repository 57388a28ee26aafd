import { sql } from 'kysely';
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
import { createSubmitter, issueProgress } from '../../src/delivery/index.ts';
import {
  type Address,
  addSubscribers,
  changeAddress,
  endPause,
  eraseSubscriber,
  exportSubscriber,
  findAddressChange,
  findSubscriber,
  keyId,
  oneTimeToken,
  requestAddressChange,
  requestLink,
  takePause,
  unsubscribe,
} from '../../src/subscribers/index.ts';
import { queueMail } from '../../src/transactional/index.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { whereverWritten } from '../helpers/everywhere.ts';
import { databaseForAll, type Place } from '../helpers/homes.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf, KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { Provider } from '../helpers/provider.ts';

/** What readers decide about themselves, and what the books look like afterwards. */
export function describeReader(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    let db: Connection;
    let people = 0;
    databaseForAll(newPlace, ({ kysely }) => {
      db = kysely;
    });

    const newAddress = (): Address => {
      people += 1;
      return { email: `Self.${people}@own.example`, key: `self.${people}@own.example` };
    };
    async function reader(
      status: 'active' | 'pending' | 'unsubscribed' | 'suppressed' = 'active',
    ): Promise<Address & { id: string }> {
      const address = newAddress();
      const confirmedAt = status === 'active' ? new Date('2026-11-01T00:00:00Z') : null;
      await addSubscribers(
        db,
        [{ ...address, status, topics: ['Coding'], timezone: 'UTC', confirmedAt }],
        'test',
      );
      const { id } = await db
        .selectFrom('subscribers')
        .select('id')
        .where('email_key', '=', address.key)
        .executeTakeFirstOrThrow();
      return { ...address, id };
    }
    const eventsOf = (id: string) =>
      db
        .selectFrom('consent_events')
        .select(['event', 'method', 'details'])
        .where('subscriber_id', '=', id)
        .where('method', '<>', 'import')
        .orderBy('id')
        .execute();
    const mailsOf = (id: string) =>
      db
        .selectFrom('mails')
        .select(['id', 'kind', 'recipient', 'status'])
        .where('subscriber_id', '=', id)
        .orderBy('created_at')
        .execute();
    const tokenOf = (mailId: string) => oneTimeToken(KEYS, mailId, keyId(KEYS[0]));
    const rowOf = (id: string) =>
      db.selectFrom('subscribers').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

    describe('a pause', () => {
      it('lasts four weeks, is logged once, and ends when the reader says so', async () => {
        const { id } = await reader();
        await Promise.all([takePause(db, id), takePause(db, id)]);
        const until = (await findSubscriber(db, id))?.pausedUntil ?? new Date(0);
        const days = (until.getTime() - Date.now()) / 86_400_000;
        expect(Math.round(days)).toBe(28);
        await Promise.all([endPause(db, id), endPause(db, id)]);
        expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
        const events = await eventsOf(id);
        expect(events.map(({ event }) => event)).toEqual(['preference_changed', 'preference_changed']);
        expect(events[1]?.details).toEqual({ pausedUntil: null });
      });

      it('that is over by itself is over', async () => {
        const { id } = await reader();
        await takePause(db, id);
        await sql`update subscribers set paused_until = now() - interval '1 second' where id = ${id}`.execute(
          db,
        );
        expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
        await takePause(db, id);
        expect((await findSubscriber(db, id))?.pausedUntil).not.toBeNull();
      });

      it('is for those who get issues', async () => {
        for (const status of ['pending', 'unsubscribed', 'suppressed'] as const) {
          const { id } = await reader(status);
          await takePause(db, id);
          expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
          expect(await eventsOf(id)).toEqual([]);
        }
      });
    });

    describe('an issue', () => {
      it('leaves out who paused before it was frozen, and who paused, left or was erased before the claim', async () => {
        const [early = '', late = '', gone = '', erased = '', stays = ''] = await onlyReaders(db, [
          [],
          [],
          [],
          [],
          [],
        ]);
        await takePause(db, early);
        const { id, batches } = await sendingIssue(db);
        await takePause(db, late);
        await unsubscribe(db, gone, 'one_click');
        await eraseSubscriber(db, { id: erased }, 'post_button');
        const provider = new Provider();
        const submit = createSubmitter(db, provider, KEYS);
        for (const batch of batches) await submit(batch);
        const outcome = new Map(
          [...(await deliveriesOf(db, id))].map(([who, row]) => [who, row.reason ?? row.status]),
        );
        expect(Object.fromEntries(outcome)).toEqual({
          [early]: 'paused',
          [late]: 'paused',
          [gone]: 'unsubscribed',
          [erased]: 'suppressed',
          [stays]: 'submitted',
        });
        expect(await issueProgress(db, id)).toMatchObject({ audience: 5, submitted: 1, prepared: 0 });
        await assertInvariants(db, id);
      });
    });

    describe('a new address', () => {
      it('takes over when it says so, and the old one is told', async () => {
        const { id, email } = await reader();
        const to = newAddress();
        const mailId = (await requestAddressChange(db, id, to, KEYS)) ?? '';
        expect(await mailsOf(id)).toEqual([
          { id: mailId, kind: 'change', recipient: to.email, status: 'pending' },
        ]);
        expect(await findAddressChange(db, tokenOf(mailId))).toEqual({
          state: 'open',
          from: email,
          to: to.email,
        });
        expect((await rowOf(id)).email).toBe(email);

        const answers = await Promise.all([
          changeAddress(db, tokenOf(mailId), KEYS),
          changeAddress(db, tokenOf(mailId), KEYS),
        ]);
        expect(answers.map((answer) => answer?.change.state)).toEqual(['done', 'done']);
        expect(answers.filter((answer) => answer?.mailId).length).toBe(1);
        expect(await rowOf(id)).toMatchObject({ email: to.email, email_key: to.key, token_version: 2 });
        expect((await mailsOf(id)).map(({ kind, recipient }) => [kind, recipient])).toEqual([
          ['change', to.email],
          ['changed', email],
        ]);
        // The log says that it was changed, never from what to what.
        expect(await eventsOf(id)).toEqual([
          { event: 'preference_changed', method: 'post_button', details: { address: 'changed' } },
        ]);
      });

      it('is asked only while it is nobody’s: known in whatever state, one’s own, or erased is not mailed', async () => {
        const { id, ...own } = await reader();
        const others = [
          own,
          await reader(),
          await reader('pending'),
          await reader('unsubscribed'),
          await reader('suppressed'),
        ];
        const forgotten = await reader();
        await eraseSubscriber(db, { id: forgotten.id }, 'admin');
        for (const { email, key } of [...others, forgotten])
          expect(await requestAddressChange(db, id, { email, key }, KEYS)).toBeNull();
        expect(await mailsOf(id)).toEqual([]);
      });

      it('is asked at most three times a day, also all at once; the latest request counts', async () => {
        const { id } = await reader();
        const asked: (string | null)[] = [];
        for (let time = 0; time < 2; time += 1)
          asked.push(await requestAddressChange(db, id, newAddress(), KEYS));
        asked.push(
          ...(await Promise.all([1, 2, 3].map(() => requestAddressChange(db, id, newAddress(), KEYS)))),
        );
        const mails = asked.filter((mail) => mail !== null);
        expect(mails.length).toBe(3);
        const found = await Promise.all(mails.map((mail) => findAddressChange(db, tokenOf(mail))));
        expect(found.filter((change) => change !== undefined).length).toBe(1);
      });

      it('cannot be had when the link is old, the reader left, or somebody else was faster', async () => {
        const spoil: ((id: string, to: Address) => Promise<unknown>)[] = [
          (id) => sql`update confirmations set expires_at = now() where subscriber_id = ${id}`.execute(db),
          (id) => unsubscribe(db, id, 'one_click'),
          (id) => sql`update subscribers set status = 'suppressed' where id = ${id}`.execute(db),
          (_id, to) =>
            addSubscribers(
              db,
              [{ ...to, status: 'pending', topics: [], timezone: null, confirmedAt: null }],
              'test',
            ),
        ];
        for (const each of spoil) {
          const { id, email } = await reader();
          const to = newAddress();
          const mailId = (await requestAddressChange(db, id, to, KEYS)) ?? '';
          await each(id, to);
          expect((await findAddressChange(db, tokenOf(mailId)))?.state).toBe('over');
          expect(await changeAddress(db, tokenOf(mailId), KEYS)).toMatchObject({
            change: { state: 'over' },
            mailId: null,
          });
          expect((await rowOf(id)).email).toBe(email);
        }
        expect(await findAddressChange(db, 'x')).toBeUndefined();
        expect(await changeAddress(db, '', KEYS)).toBeUndefined();
      });

      it('of two readers goes to one', async () => {
        const [one, other] = [await reader(), await reader()];
        const to = newAddress();
        const mails = [
          (await requestAddressChange(db, one.id, to, KEYS)) ?? '',
          (await requestAddressChange(db, other.id, to, KEYS)) ?? '',
        ];
        const answers = await Promise.allSettled(mails.map((mail) => changeAddress(db, tokenOf(mail), KEYS)));
        const done = answers.filter(
          (each) => each.status === 'fulfilled' && each.value?.change.state === 'done',
        );
        expect(done.length).toBe(1);
        for (const mail of mails) {
          const change = await changeAddress(db, tokenOf(mail), KEYS);
          expect(['done', 'over']).toContain(change?.change.state);
        }
        const { count } = await db
          .selectFrom('subscribers')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('email_key', '=', to.key)
          .executeTakeFirstOrThrow();
        expect(count).toBe(1);
      });
    });

    describe('a fresh link', () => {
      it('is mailed to readers only, once in ten minutes, three times a day', async () => {
        for (const status of ['pending', 'unsubscribed', 'suppressed'] as const)
          expect(await requestLink(db, await reader(status), KEYS)).toBeNull();
        expect(await requestLink(db, newAddress(), KEYS)).toBeNull();

        const someone = await reader();
        const age = () =>
          sql`update mails set created_at = created_at - interval '11 minutes' where subscriber_id = ${someone.id}`.execute(
            db,
          );
        const asked = await Promise.all([1, 2, 3].map(() => requestLink(db, someone, KEYS)));
        expect(asked.filter((mail) => mail !== null).length).toBe(1);
        for (const expected of [1, 1, 0]) {
          await age();
          const again = await Promise.all([requestLink(db, someone, KEYS), requestLink(db, someone, KEYS)]);
          expect(again.filter((mail) => mail !== null).length).toBe(expected);
        }
      });
    });

    describe('erasing', () => {
      it('leaves no address anywhere, and nothing for an import to bring back', async () => {
        const { id, email, key } = await reader();
        const to = newAddress();
        const bystander = await reader();
        await sql`
          insert into consent_evidence (event_id, ip, user_agent)
          select id, '203.0.113.7', 'Erased/1.0' from consent_events where subscriber_id = ${id}
        `.execute(db);
        await requestAddressChange(db, id, to, KEYS);
        await queueMail(db, { kind: 'changed', subscriberId: id, recipient: email, keyId: keyId(KEYS[0]) });
        await queueMail(db, { kind: 'test', recipient: email, keyId: keyId(KEYS[0]) });
        await takePause(db, id);

        expect((await whereverWritten(db, key)).length).toBeGreaterThan(2);
        const erased = await Promise.all([
          eraseSubscriber(db, { id }, 'post_button'),
          eraseSubscriber(db, { id }, 'post_button'),
        ]);
        expect(erased.filter(Boolean).length).toBe(1);
        for (const trace of [key, to.key, '203.0.113.7', 'Erased/1.0'])
          expect([trace, await whereverWritten(db, trace)]).toEqual([trace, []]);
        expect((await whereverWritten(db, bystander.key)).length).toBeGreaterThan(0);

        expect(await rowOf(id)).toMatchObject({
          email: '',
          status: 'suppressed',
          reason: 'erased',
          topics: [],
          timezone: null,
          paused_until: null,
        });
        expect((await mailsOf(id)).map(({ status }) => status)).toEqual(['dropped', 'dropped']);
        expect((await eventsOf(id)).at(-1)).toEqual({ event: 'erased', method: 'post_button', details: {} });
        const { rows } = await sql`select from erased_addresses where hash = address_hash(${key})`.execute(
          db,
        );
        expect(rows.length).toBe(1);
      });

      it('takes an address that nobody has off the lists to come', async () => {
        const { key } = newAddress();
        expect(await eraseSubscriber(db, { key }, 'admin')).toBe(false);
        const { rows } = await sql`select from erased_addresses where hash = address_hash(${key})`.execute(
          db,
        );
        expect(rows.length).toBe(1);
        const someone = await reader();
        expect(await eraseSubscriber(db, { key: someone.key }, 'admin')).toBe(true);
        expect((await rowOf(someone.id)).email).toBe('');
      });
    });

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
          expect(await castVote(db, { subscriberId: id, comparisonId, tool: name, call: 'ship' })).toBe(
            false,
          );
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

    it('an export has everything about one person, and nothing about another', async () => {
      const { id, email } = await reader();
      const other = await reader();
      await sql`
        insert into consent_evidence (event_id, ip, user_agent)
        select id, '203.0.113.8', 'Mail/2' from consent_events where subscriber_id = ${id}
      `.execute(db);
      await requestLink(db, { email, key: email.toLowerCase() }, KEYS);
      const data = await exportSubscriber(db, id);
      expect(data).toMatchObject({
        subscriber: { email, status: 'active', topics: ['Coding'], timezone: 'UTC', pausedUntil: null },
        consents: [
          { event: 'confirmed', method: 'import', source: 'test', ip: '203.0.113.8', userAgent: 'Mail/2' },
        ],
        deliveries: [],
        mails: [{ kind: 'link', to: email, status: 'pending' }],
      });
      expect(JSON.stringify(data)).not.toContain(other.email);
      expect(await exportSubscriber(db, '00000000-0000-4000-8000-000000000000')).toBeUndefined();
    });
  });
}
