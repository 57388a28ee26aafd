import type { FastifyInstance, InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connection, Database } from '../../src/db/index.ts';
import { createMailSender } from '../../src/delivery/index.ts';
import { createServer } from '../../src/http/index.ts';
import type { Outcome, SingleMail } from '../../src/mailer/index.ts';
import { notify, openNotices } from '../../src/sources/index.ts';
import {
  addSubscribers,
  answerSignUps,
  foldAddress,
  forgetOldSignUps,
  parseAddress,
  stampForm,
} from '../../src/subscribers/index.ts';
import { endFloods } from '../../src/weekly.ts';
import type { Place } from '../helpers/homes.ts';
import { KEYS } from '../helpers/ledger.ts';
import { SITE, signUpParts } from '../helpers/site.ts';

const PRIVACY = 'https://site.example/privacy';

/** From the form to the welcome, on a database of either kind. */
export function describeSignUp(name: string, open: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place;
    let database: Database;
    let db: Connection;
    let app: FastifyInstance;
    /** Every mail that was accepted, since the test began. */
    let sent: SingleMail[];

    beforeAll(async () => {
      place = await open();
      database = await place.open(4);
      db = database.kysely;
      app = await createServer({
        db,
        keys: KEYS,
        site: SITE,
        outboxDir: null,
        ready: async () => {},
        ring() {},
        logger: false,
        signUp: { ...signUpParts(database.queuePool()), privacy: { url: PRIVACY, version: '3' } },
      });
    });
    afterAll(async () => {
      await app?.close();
      await database?.[Symbol.asyncDispose]();
      await place?.[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      sent = [];
    });

    const send = () =>
      createMailSender(
        db,
        {
          destination: 'the test',
          submit: () => Promise.reject(new Error('no batches here')),
          async send(mail): Promise<Outcome> {
            sent.push(mail);
            return { kind: 'accepted', items: [{ accepted: `p-${mail.mailId}` }] };
          },
        },
        KEYS,
        {
          from: 'hello@verdicts.example',
          replyTo: SITE.replyTo,
          newsletter: {
            name: SITE.newsletterName,
            url: SITE.publicUrl,
            postalAddress: SITE.postalAddress,
          },
        },
      );

    let networks = 0;
    /** Each from a network of its own, unless it says otherwise. */
    const post = (fields: Record<string, unknown>, more: InjectOptions = {}) => {
      networks += 1;
      return app.inject({
        method: 'POST',
        url: '/subscribe',
        remoteAddress: `10.${networks >> 16}.${(networks >> 8) & 255}.${networks & 255}`,
        payload: { stamp: stampForm(KEYS, new Date(Date.now() - 60_000)), ...fields },
        ...more,
      });
    };
    /** Does what the jobs do. */
    const work = async () => {
      const { mailIds, spent } = await answerSignUps(db, KEYS);
      const sendMail = send();
      for (const id of mailIds) await sendMail(id);
      return spent;
    };
    const signUp = async (
      email: string,
      fields: Record<string, unknown> = {},
      headers: Record<string, string> = {},
    ) => {
      const answer = await post({ email, ...fields }, { headers });
      expect(answer.statusCode).toBe(202);
      await work();
      return answer;
    };
    const linkIn = (mail: SingleMail | undefined) =>
      /https:\/\/verdicts\.example(\/confirm\/[\w-]{43})\n/.exec(mail?.text ?? '')?.[1] ?? '';
    const press = (url: string, payload = 'confirm=1') =>
      app.inject({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
      });
    const row = (email: string) =>
      db
        .selectFrom('subscribers')
        .selectAll()
        .where('email_key', '=', email.toLowerCase())
        .executeTakeFirst();
    const events = async (email: string) => {
      const { id } = (await row(email)) ?? { id: '' };
      return db
        .selectFrom('consent_events')
        .select(['event', 'method', 'source', 'details'])
        .where('subscriber_id', '=', id)
        .orderBy('id')
        .execute();
    };
    /** Moves everything that sign-ups left so far into the past. */
    const pass = async (interval: string) => {
      await sql`update sign_up_mails set at = at - ${interval}::interval`.execute(db);
      await sql`update mails set created_at = created_at - ${interval}::interval`.execute(db);
      await sql`update confirmations set created_at = created_at - ${interval}::interval,
        expires_at = expires_at - ${interval}::interval`.execute(db);
      await sql`update subscribers set created_at = created_at - ${interval}::interval`.execute(db);
      await sql`update sign_ups set created_at = created_at - ${interval}::interval,
        due_at = due_at - ${interval}::interval`.execute(db);
      await sql`update consent_evidence set at = at - ${interval}::interval`.execute(db);
    };

    it('leads from the form by a confirm mail and its button to a welcome', async () => {
      const fields = { source: 'home', timezone: 'Europe/Berlin' };
      const answer = await signUp('Jane.Doe@Example.org', fields, { 'accept-language': 'de-de;q=0.9, en' });
      expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'check_your_inbox' }]);
      expect(await row('jane.doe@example.org')).toMatchObject({ status: 'pending' });
      expect(sent.map(({ kind, to }) => [kind, to])).toEqual([['confirm', 'Jane.Doe@example.org']]);
      const link = linkIn(sent[0]);

      const page = await app.inject({ url: link, headers: { accept: 'text/html' } });
      expect(page.statusCode).toBe(200);
      expect(page.body).toContain('J***@e***.org');
      expect(await row('jane.doe@example.org')).toMatchObject({ status: 'pending' });

      const confirmed = await press(link);
      expect([confirmed.statusCode, confirmed.body]).toEqual([
        200,
        expect.stringContaining('You are on the list'),
      ]);
      expect(await row('jane.doe@example.org')).toMatchObject({
        status: 'active',
        timezone: 'Europe/Berlin',
      });
      const consent = {
        version: expect.stringMatching(/^2026-11\./),
        hash: expect.stringMatching(/^[\da-f]{64}$/),
      };
      const told = { consent, topics: [], locale: 'de-DE', privacy: { url: PRIVACY, version: '3' } };
      const [mail] = await db.selectFrom('mails').select('id').where('kind', '=', 'confirm').execute();
      const log = await events('jane.doe@example.org');
      expect(log).toEqual([
        { event: 'requested', method: 'form', source: 'home', details: { ...told, mail: mail?.id } },
        {
          event: 'confirm_sent',
          method: 'mail',
          source: null,
          details: {
            mail: mail?.id,
            provider: `p-${mail?.id}`,
            letter: {
              version: expect.stringMatching(/^confirm\./),
              hash: expect.stringMatching(/^[\da-f]{64}$/),
            },
          },
        },
        { event: 'confirmed', method: 'post_button', source: 'home', details: told },
      ]);
      // The words of the mail are kept, once for everybody, and nobody's link is in them.
      const { text } = await db
        .selectFrom('consent_texts')
        .select('text')
        .where('version', 'like', 'confirm.%')
        .executeTakeFirstOrThrow();
      expect(text).toBe(sent[0]?.text.replaceAll(link, '/confirm/…'));
      expect(text).not.toContain(link.slice('/confirm/'.length));

      const [welcome] = await db.selectFrom('mails').select('id').where('kind', '=', 'welcome').execute();
      await send()(welcome?.id ?? '');
      expect(sent[1]).toMatchObject({ kind: 'welcome', to: 'Jane.Doe@example.org' });
      expect(sent[1]?.text).toMatch(/\/preferences\/1\./);
      expect(sent[1]?.text).toMatch(/\/unsubscribe\/1\./);

      // Who may leave may do so by one press of their mail program; a confirm mail has nobody to leave yet.
      expect(Object.keys(sent[0]?.headers ?? {})).toEqual(['Auto-Submitted', 'X-Entity-Ref-ID']);
      const [, url = '', token] =
        /^<(https:\/\/verdicts\.example\/unsubscribe\/([\w.-]+))>, <mailto:u\+[\w.-]+@verdicts\.example>$/.exec(
          sent[1]?.headers['List-Unsubscribe'] ?? '',
        ) ?? [];
      expect(sent[1]?.text).toContain(url);
      expect(sent[1]?.headers).toMatchObject({
        'List-Unsubscribe': expect.stringContaining(`<mailto:u+${token}@`),
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      });
      const left = await press(new URL(url).pathname, 'List-Unsubscribe=One-Click');
      expect([left.statusCode, (await row('jane.doe@example.org'))?.status]).toEqual([200, 'unsubscribed']);
    });

    it('a second press changes nothing and says the same', async () => {
      await signUp('twice@example.org');
      const link = linkIn(sent[0]);
      const [first, second] = await Promise.all([press(link), press(link)]);
      expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
      expect((await press(link)).body).toBe(first.body);
      expect((await app.inject(link)).body).toBe(first.body);
      expect((await events('twice@example.org')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
        'confirmed',
      ]);
      const welcomes = await db
        .selectFrom('mails as m')
        .innerJoin('subscribers as s', 's.id', 'm.subscriber_id')
        .select('m.id')
        .where('s.email_key', '=', 'twice@example.org')
        .where('m.kind', '=', 'welcome')
        .execute();
      expect(welcomes).toHaveLength(1);
    });

    it('looking at a link 50 times changes no row', async () => {
      await signUp('scanned@example.org');
      const link = linkIn(sent[0]);
      const everything = async () =>
        JSON.stringify([
          await db.selectFrom('subscribers').selectAll().orderBy('id').execute(),
          await db.selectFrom('confirmations').selectAll().orderBy('token_hash').execute(),
          await db.selectFrom('consent_events').selectAll().orderBy('id').execute(),
          await db.selectFrom('refused_inboxes').selectAll().execute(),
          await db.selectFrom('mails').selectAll().orderBy('id').execute(),
        ]);
      const before = await everything();
      for (let time = 0; time < 50; time += 1) {
        for (const url of [link, `${link}/never`]) {
          const method = time % 2 === 0 ? ('GET' as const) : ('HEAD' as const);
          const query = { confirm: '1', never: '1' };
          expect((await app.inject({ method, url, query })).statusCode).toBe(200);
        }
      }
      expect((await press(link, 'other=1')).statusCode).toBe(422);
      expect((await press(`${link}/never`, '')).statusCode).toBe(422);
      expect(await everything()).toBe(before);
    });

    it('two posts at once are one row and one mail', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => post({ email: 'both@example.org' })));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(202));
      await Promise.all([work(), work(), work()]);
      expect(sent).toHaveLength(1);
      expect((await events('both@example.org')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
      ]);
    });

    it('the newest link wins, with what was asked for with it', async () => {
      await signUp('again@example.org');
      await pass('11 minutes');
      await signUp('AGAIN@example.org', { timezone: 'Asia/Tokyo' });
      expect(sent.map(({ to }) => to)).toEqual(['again@example.org', 'AGAIN@example.org']);
      expect((await press(linkIn(sent[0]))).statusCode).toBe(404);
      expect(await row('again@example.org')).toMatchObject({ status: 'pending' });
      expect((await press(linkIn(sent[1]))).statusCode).toBe(200);
      expect(await row('again@example.org')).toMatchObject({ status: 'active', timezone: 'Asia/Tokyo' });
      // The owner of the inbox, with the older mail, is told how things are.
      expect((await app.inject(linkIn(sent[0]))).body).toContain('You are on the list');
    });

    it('a link ends after 72 hours, and says how to get a new one', async () => {
      await signUp('late@example.org');
      await pass('73 hours');
      for (const answer of [await app.inject(linkIn(sent[0])), await press(linkIn(sent[0]))]) {
        expect(answer.statusCode).toBe(404);
        expect(answer.body).toContain('href="/subscribe"');
      }
      const unknown = await app.inject('/confirm/nobody-ever-had-this');
      expect(unknown.body).toBe((await app.inject(linkIn(sent[0]))).body);
      expect(await row('late@example.org')).toMatchObject({ status: 'pending' });
    });

    it('who left comes back by a fresh opt-in only, and stays away until then', async () => {
      await signUp('back@example.org');
      await press(linkIn(sent[0]));
      await sql`update subscribers set status = 'unsubscribed', left_at = now() where email_key = 'back@example.org'`.execute(
        db,
      );
      await pass('1 day');
      // The link that was used once does not bring anybody back.
      expect((await press(linkIn(sent[0]))).statusCode).toBe(404);
      await signUp('back@example.org');
      expect(await row('back@example.org')).toMatchObject({ status: 'unsubscribed' });
      await press(linkIn(sent[1]));
      expect(await row('back@example.org')).toMatchObject({ status: 'active', left_at: null });
      expect((await events('back@example.org')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
        'confirmed',
        'requested',
        'confirm_sent',
        'confirmed',
        'resubscribed',
      ]);
    });

    it('a reader who signs up is told so, once in 30 days', async () => {
      const email = 'reader@example.org';
      const confirmedAt = new Date('2026-11-01T00:00:00Z');
      await addSubscribers(
        db,
        [{ email, key: email, status: 'active', topics: [], timezone: null, confirmedAt }],
        'test',
      );
      for (const time of ['11 minutes', '20 days', '11 days']) {
        await signUp(email);
        await pass(time);
      }
      expect(sent.map(({ kind }) => kind)).toEqual(['already']);
      await signUp(email);
      expect(sent.map(({ kind }) => kind)).toEqual(['already', 'already']);
      expect(await row(email)).toMatchObject({ status: 'active' });
    });

    it('nothing is sent to who is suppressed, and no form lifts it', async () => {
      const email = 'bounced@example.org';
      await addSubscribers(
        db,
        [{ email, key: email, status: 'suppressed', topics: [], timezone: null, confirmedAt: null }],
        'test',
      );
      await signUp(email);
      expect(sent).toEqual([]);
      expect(await row(email)).toMatchObject({ status: 'suppressed' });
    });

    it('an erased person may come back on their own, and is then no longer on the list of the erased', async () => {
      await sql`insert into erased_addresses (hash) values (address_hash('forgotten@example.org'))`.execute(
        db,
      );
      await signUp('forgotten@example.org');
      expect(sent.map(({ kind }) => kind)).toEqual(['confirm']);
      await press(linkIn(sent[0]));
      expect(await db.selectFrom('erased_addresses').selectAll().execute()).toEqual([]);
    });

    it('“never mail me again” holds for every spelling of the inbox, and after the link is over', async () => {
      await signUp('v.ictim@gmail.com');
      await pass('73 hours');
      const never = `${linkIn(sent[0])}/never`;
      expect((await app.inject(never)).body).toContain('v***@g***.com');
      for (let time = 0; time < 2; time += 1) {
        const answer = await press(never, 'never=1');
        expect([answer.statusCode, answer.body]).toEqual([
          200,
          expect.stringContaining('not mail you again'),
        ]);
      }
      expect(await row('v.ictim@gmail.com')).toMatchObject({ status: 'suppressed' });
      expect((await events('v.ictim@gmail.com')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
        'suppressed',
      ]);
      await pass('40 days');
      await signUp('v.ictim@gmail.com');
      await signUp('vic.tim+again@googlemail.com');
      expect(sent).toHaveLength(1);
    });

    it('an inbox gets one mail in 10 minutes, 3 a day, 5 in 30 days, however it is spelled', async () => {
      const spellings = [
        'l.imit@gmail.com',
        'li.mit@gmail.com',
        'limit+1@gmail.com',
        'LIMIT+2@googlemail.com',
      ];
      const count = async () => {
        for (const email of spellings) await post({ email });
        await work();
        return sent.length;
      };
      expect(await count()).toBe(1);
      await pass('9 minutes');
      expect(await count()).toBe(1);
      await pass('2 minutes');
      expect(await count()).toBe(2);
      await pass('11 minutes');
      expect(await count()).toBe(3);
      await pass('11 minutes');
      expect(await count()).toBe(3);
      await pass('24 hours');
      expect(await count()).toBe(4);
      await pass('24 hours');
      expect(await count()).toBe(5);
      await pass('24 hours');
      expect(await count()).toBe(5);
      await pass('31 days');
      expect(await count()).toBe(6);
    });

    it('when the budget of a domain is spent, its sign-ups wait, and others do not', async () => {
      const people = Array.from({ length: 302 }, (_, index) => `p${index}@small-host.example`);
      for (const email of people) await post({ email });
      await post({ email: 'elsewhere@example.org' });
      expect(await work()).toEqual(['small-host.example']);
      expect(sent.filter(({ to }) => to.endsWith('@small-host.example'))).toHaveLength(300);
      expect(sent.some(({ to }) => to === 'elsewhere@example.org')).toBe(true);
      expect(await db.selectFrom('sign_ups').selectAll().execute()).toHaveLength(2);
      for (const subject of ['small-host.example', 'other-host.example', '*'])
        await notify(db, { kind: 'sign-up-flood', subject, message: 'A flood.', at: new Date() });
      const floods = async () => {
        await endFloods({ db, clock: () => new Date() });
        return (await openNotices(db)).map(({ subject }) => subject);
      };
      expect(await floods()).toEqual(['small-host.example', '*']);
      await pass('61 minutes');
      expect(await work()).toEqual([]);
      expect(await floods()).toEqual([]);
      expect(sent).toHaveLength(303);
      expect(await db.selectFrom('sign_ups').selectAll().execute()).toEqual([]);
    });

    it('who never confirmed is forgotten after 30 days, and may begin anew', async () => {
      await signUp('shy@example.org');
      const { id } = (await row('shy@example.org')) ?? { id: '' };
      await pass('29 days');
      await forgetOldSignUps(db, new Date());
      expect(await row('shy@example.org')).toBeDefined();
      await pass('2 days');
      await forgetOldSignUps(db, new Date());
      expect(await row('shy@example.org')).toBeUndefined();
      expect(await row(id)).toMatchObject({ email: '', status: 'unsubscribed', reason: 'never confirmed' });
      expect(
        await db.selectFrom('confirmations').selectAll().where('subscriber_id', '=', id).execute(),
      ).toEqual([]);
      expect(JSON.stringify(await events(id))).not.toContain('shy@');
      await signUp('shy@example.org');
      expect(sent).toHaveLength(2);
    });

    it('where a consent came from is kept for a year', async () => {
      await post({ email: 'traced@example.org' }, { headers: { 'user-agent': 'Reader/1.0' } });
      await work();
      const evidence = () =>
        db
          .selectFrom('consent_evidence')
          .select(['ip', 'user_agent'])
          .where('user_agent', '=', 'Reader/1.0')
          .execute();
      expect(await evidence()).toEqual([{ ip: expect.stringMatching(/^10\./), user_agent: 'Reader/1.0' }]);
      await pass('13 months');
      await forgetOldSignUps(db, new Date());
      expect(await evidence()).toEqual([]);
    });

    it('the hash of an inbox that is kept tells nothing of it', async () => {
      const address = parseAddress('secret.person@gmail.com');
      if ('reason' in address) throw new Error(address.reason);
      await signUp(address.email);
      const counted = JSON.stringify(await db.selectFrom('sign_up_mails').selectAll().execute());
      expect(counted).not.toContain('secret');
      expect(counted).not.toContain(foldAddress(address.key));
    });
  });
}
