import { describe, expect, it } from 'vitest';
import { signFormToken } from '../../../src/subscribers/sign-up/form-token.ts';
import { answerRequests } from '../../helpers/mail-requests.ts';
import { FORM, type SubscribeForm } from './form.ts';

/** How the form resists an attempt to flood a mail host, and which typed values it stores. */
export function describeGate(form: SubscribeForm): void {
  describe('F9: the sign-up form', () => {
    const { clear, json, network, post, stamp, waiting } = form;

    const answered = async () => {
      const { mailIds } = await answerRequests(form.site.db, form.site.keys);
      const rows = await form.site.db
        .selectFrom('mails as m')
        .innerJoin('subscribers as s', 's.id', 'm.subscriber_id')
        .select('s.email')
        .where('m.id', 'in', mailIds.length > 0 ? mailIds : ['00000000-0000-0000-0000-000000000000'])
        .execute();
      return rows.map(({ email }) => email);
    };

    it('accepts one token for one post: a second post is suspicious, from any network', async () => {
      await clear();
      const token = stamp();
      for (const email of ['first@example.org', 'second@example.org'])
        await post({ payload: { email, stamp: token }, remoteAddress: network() });
      expect((await waiting()).map((row) => [row.email, row.is_suspicious])).toEqual([
        ['first@example.org', false],
        ['second@example.org', true],
      ]);
    });

    it('gives different tokens to two people who load it in the same millisecond', () => {
      const at = new Date();
      expect(signFormToken(form.site.keys, at)).not.toBe(signFormToken(form.site.keys, at));
    });

    it("does not exhaust a mail host's budget: after 310 posts of 31 /64s with one token, a person still gets her mail", async () => {
      await clear();
      const token = stamp();
      const statuses = new Map<number, number>();
      for (let bot = 0; bot < 310; bot += 1) {
        // A /59 has 32 networks of /64.
        const remoteAddress = `2001:db8:59:${(0x20 + (bot % 31)).toString(16)}::${bot + 1}`;
        const { statusCode } = await post({
          payload: { email: `bot${bot}@mailhost.example`, stamp: token },
          remoteAddress,
        });
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      }
      // They share a /56, which may send twice as much as one /64.
      expect(Object.fromEntries(statuses)).toEqual({ 202: 20, 429: 290 });
      const person = await json({ email: 'real.person@mailhost.example' });
      expect(person.statusCode).toBe(202);
      const mailed = await answered();
      expect(mailed).toContain('real.person@mailhost.example');
      // One third of thirty, and the first post with the token.
      expect(mailed.filter((email) => email.startsWith('bot')).length).toBeLessThanOrEqual(11);
    });

    it('for a domain without readers causes far fewer than 300 mails an hour, from any number of networks', async () => {
      await clear();
      for (let bot = 0; bot < 120; bot += 1) await json({ email: `victim${bot}@private.example` });
      expect((await answered()).length).toBe(30);
      await clear();
    });

    it('treats many posts of one wide network as suspicious, even with a new token each', async () => {
      await clear();
      for (let bot = 0; bot < 14; bot += 1)
        await json({ email: `crowd${bot}@example.org` }, { remoteAddress: `203.0.113.${bot}` });
      expect((await waiting()).map((row) => row.is_suspicious)).toEqual([
        ...Array(10).fill(false),
        ...Array(4).fill(true),
      ]);
      await clear();
    });

    it.each([
      ['a /24', (host: number) => `198.51.77.${host}`, 40],
      ['a /56', (host: number) => `2001:db8:56:10${(host % 8).toString(16)}::${host}`, 20],
      ['a /48', (host: number) => `2001:db8:48:${(host * 0x100).toString(16)}::1`, 40],
    ])('counts %s as one network, too', async (_name, addressOf, limit) => {
      await clear();
      const statuses: number[] = [];
      for (let host = 1; host <= limit + 5; host += 1) {
        const { statusCode } = await json(
          { email: `host${host}@example.org` },
          { remoteAddress: addressOf(host) },
        );
        statuses.push(statusCode);
      }
      expect(statuses).toEqual([...Array(limit).fill(202), ...Array(5).fill(429)]);
      expect((await json({ email: 'other@example.org' })).statusCode).toBe(202);
      await clear();
    });
  });

  describe('F19: the name of the form', () => {
    const { clear, json, post, stamp, waiting } = form;

    it.each([
      ['home', 'home'],
      ['embed', 'embed'],
      ['comparison:inkwell-vs-ferret', 'comparison:inkwell-vs-ferret'],
      ['comparison:gdpr.person-is-ill', 'other'],
      ['from gdpr.person@example.org', 'other'],
      ['command', 'other'],
      ['import', 'other'],
      ['Home', 'other'],
      ['', null],
    ])('%j is stored as %j', async (source, kept) => {
      await clear();
      await json({ email: 'source@example.org', source });
      expect((await waiting()).map((row) => row.source)).toEqual([kept]);
      await clear();
      const payload = `email=source%40example.org&stamp=${stamp()}&source=${encodeURIComponent(source)}`;
      await post({ headers: FORM, payload });
      expect((await waiting()).map((row) => row.source)).toEqual([kept]);
      await clear();
    });

    it.each(['/', '/subscribe', '/comparisons', '/comparisons/inkwell-vs-ferret', '/embed'])(
      'on %s is one of ours',
      async (url) => {
        await clear();
        const { body } = await form.app.inject({ url, headers: { accept: 'text/html' } });
        const source = /name="source" value="([^"]+)"/.exec(body)?.[1] ?? '';
        expect(source).not.toBe('');
        await json({ email: 'source@example.org', source });
        expect((await waiting()).map((row) => row.source)).toEqual([source]);
        await clear();
      },
    );
  });
}
