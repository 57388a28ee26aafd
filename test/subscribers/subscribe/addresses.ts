import { load } from 'cheerio';
import { describe, expect, it } from 'vitest';
import { BROWSER, FORM, type SubscribeForm } from './form.ts';

/** Which addresses are accepted, and which are refused, with which texts. */
export function describeAddresses(form: SubscribeForm): void {
  describe('an address', () => {
    const { clear, json, post, stamp, waiting } = form;

    it.each([
      ['reader@example.org', 'reader@example.org'],
      ['  Reader+Tag@Example.ORG ', 'Reader+Tag@example.org'],
      ['mail@bücher.example', 'mail@xn--bcher-kva.example'],
      ['mail@почта.рф', 'mail@xn--80a1acny.xn--p1ai'],
      ['mail@example。org', 'mail@example.org'],
      ['postmaster@example.org', 'postmaster@example.org'],
      [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
    ])('%j is accepted', async (email, taken) => {
      await clear();
      const answer = await json({ email });
      expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'check_your_inbox' }]);
      expect((await waiting()).map((row) => row.email)).toEqual([taken]);
    });

    it.each([
      ['', 'required'],
      ['   ', 'required'],
      ['reader', 'invalid_address'],
      ['@example.org', 'invalid_address'],
      ['reader@', 'invalid_address'],
      ['reader@localhost', 'invalid_address'],
      ['a..b@example.org', 'invalid_address'],
      ['.a@example.org', 'invalid_address'],
      ['"quoted local"@example.org', 'invalid_address'],
      ['"quoted"@example.org', 'invalid_address'],
      ['reader@[192.0.2.1]', 'invalid_address'],
      ['Name <reader@example.org>', 'invalid_address'],
      ['a@example.org,b@example.org', 'invalid_address'],
      ['a@example.org;b@example.org', 'invalid_address'],
      ['a@example.org b@example.org', 'invalid_address'],
      ['reader@example.org\r\nBcc: other@example.org', 'invalid_address'],
      ['reader@example.org%0d%0aBcc:other@example.org', 'invalid_address'],
      ['reader\u0000@example.org', 'invalid_address'],
      ['reader@exam\u200bple.org', 'invalid_address'],
      ['\u202ereader@example.org', 'invalid_address'],
      ['leser🙂@example.org', 'invalid_address'],
      ['größe@example.org', 'invalid_address'],
      ['reader@exa\ud800mple.org', 'invalid_address'],
      [`${'a'.repeat(65)}@example.org`, 'invalid_address'],
      [`${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(59)}.org`, 'invalid_address'],
      [`a@${'b'.repeat(64)}.org`, 'invalid_address'],
      ['reader@no-mail.example', 'domain_takes_no_mail'],
    ])('%j is refused, with a sentence for people and a code for programs', async (email, code) => {
      await clear();
      const answer = await json({ email });
      expect(answer.statusCode).toBe(422);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.json()).toMatchObject({
        type: 'about:blank',
        status: 422,
        instance: expect.stringMatching(/^urn:uuid:/),
        errors: [{ field: 'email', code, message: expect.stringMatching(/[.?]$/) }],
      });
      expect(await waiting()).toEqual([]);
    });

    it('that looks like a typing error is accepted, with a hint', async () => {
      const answer = await json({ email: 'Jane@gmial.com' });
      expect(answer.json()).toEqual({ status: 'check_your_inbox', suggestion: 'Jane@gmail.com' });
      const page = await post({
        payload: `email=jane%40gmial.com&stamp=${stamp()}`,
        headers: { ...FORM, ...BROWSER },
      });
      expect([page.statusCode, page.headers.location]).toEqual([
        303,
        '/subscribe/check-inbox?meant=gmail.com',
      ]);
      const shown = load(
        (await form.app.inject({ url: String(page.headers.location), headers: BROWSER })).body,
      );
      expect(shown('.notice strong').text()).toBe('gmail.com');
    });

    it.each(['evil.example', '<script>', 'gmail.com,evil.example', ''])(
      'a link cannot put %j on our page',
      async (meant) => {
        const page = await form.app.inject({ url: '/subscribe/check-inbox', query: { meant } });
        expect(page.body).toBe((await form.app.inject('/subscribe/check-inbox')).body);
      },
    );
  });
}
