import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { linkIn, PRIVACY, signUpsForAll } from '../helpers/sign-ups.ts';

/** The path of one reader, and the effect of a link that is opened, pressed twice, replaced or expired. */
export function describeWayIn(withDatabase: WithDatabase): void {
  describe('the sign-up', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });
    const { ask, events, pass, post, press, row, sendMail, sent, signUp, work } = signUpsForAll(withDatabase);

    it('leads from the form by a confirm mail and its button to a welcome mail', async () => {
      const fields = { source: 'home', timezone: 'Europe/Berlin' };
      const answer = await signUp('Jane.Doe@Example.org', fields, { 'accept-language': 'de-de;q=0.9, en' });
      expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'check_your_inbox' }]);
      expect(await row('jane.doe@example.org')).toMatchObject({ status: 'pending' });
      expect(sent.map(({ kind, to }) => [kind, to])).toEqual([['confirm', 'Jane.Doe@example.org']]);
      const link = linkIn(sent[0]);

      const page = await ask({ url: link, headers: { accept: 'text/html' } });
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
      const told = { consent, topics: [], locale: 'de-DE', privacy: PRIVACY };
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
      // The wording of the mail is stored once for everybody, without anybody's link.
      const { text } = await db
        .selectFrom('consent_texts')
        .select('text')
        .where('version', 'like', 'confirm.%')
        .executeTakeFirstOrThrow();
      expect(text).toBe(sent[0]?.text.replaceAll(link, '/confirm/…'));
      expect(text).not.toContain(link.slice('/confirm/'.length));

      const [welcome] = await db.selectFrom('mails').select('id').where('kind', '=', 'welcome').execute();
      await sendMail(welcome?.id ?? '');
      expect(sent[1]).toMatchObject({ kind: 'welcome', to: 'Jane.Doe@example.org' });
      expect(sent[1]?.text).toMatch(/\/preferences\/1\./);
      expect(sent[1]?.text).toMatch(/\/unsubscribe\/1\./);

      // A reader can unsubscribe by one click in the mail program; a confirm mail has no reader yet.
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

    it('a second press changes nothing and shows the same page', async () => {
      await signUp('twice@example.org');
      const link = linkIn(sent[0]);
      const [first, second] = await Promise.all([press(link), press(link)]);
      expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
      expect((await press(link)).body).toBe(first.body);
      expect((await ask(link)).body).toBe(first.body);
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

    it('50 GETs of a link change no row', async () => {
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
          expect((await ask({ method, url, query })).statusCode).toBe(200);
        }
      }
      expect((await press(link, 'other=1')).statusCode).toBe(422);
      expect((await press(`${link}/never`, '')).statusCode).toBe(422);
      expect(await everything()).toBe(before);
    });

    it('two simultaneous posts cause one row and one mail', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => post({ email: 'both@example.org' })));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(202));
      await Promise.all([work(), work(), work()]);
      expect(sent).toHaveLength(1);
      expect((await events('both@example.org')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
      ]);
    });

    it('the newest link is used, with the topics of its sign-up', async () => {
      await signUp('again@example.org');
      await pass('11 minutes');
      await signUp('AGAIN@example.org', { timezone: 'Asia/Tokyo' });
      expect(sent.map(({ to }) => to)).toEqual(['again@example.org', 'AGAIN@example.org']);
      expect((await press(linkIn(sent[0]))).statusCode).toBe(404);
      expect(await row('again@example.org')).toMatchObject({ status: 'pending' });
      expect((await press(linkIn(sent[1]))).statusCode).toBe(200);
      expect(await row('again@example.org')).toMatchObject({ status: 'active', timezone: 'Asia/Tokyo' });
      // The owner of the inbox, with the older mail, sees the current state.
      expect((await ask(linkIn(sent[0]))).body).toContain('You are on the list');
    });

    it('a link expires after 72 hours, and its page says how to get a new one', async () => {
      await signUp('late@example.org');
      await pass('73 hours');
      for (const answer of [await ask(linkIn(sent[0])), await press(linkIn(sent[0]))]) {
        expect(answer.statusCode).toBe(404);
        expect(answer.body).toContain('href="/subscribe"');
      }
      const unknown = await ask('/confirm/nobody-ever-had-this');
      expect(unknown.body).toBe((await ask(linkIn(sent[0]))).body);
      expect(await row('late@example.org')).toMatchObject({ status: 'pending' });
    });
  });
}
