import { load } from 'cheerio';
import { describe, expect, it } from 'vitest';
import { BROWSER, FORM, type SubscribeForm } from './form.ts';

/** The pages that a browser without JavaScript gets. */
export function describePages(form: SubscribeForm): void {
  describe('without JavaScript', () => {
    const { post, stamp } = form;

    it('a browser is redirected to a page that can be reloaded', async () => {
      const answer = await post({
        payload: `email=jane%40example.org&stamp=${stamp()}`,
        headers: { ...FORM, ...BROWSER },
      });
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/subscribe/check-inbox']);
      const page = load((await form.app.inject({ url: '/subscribe/check-inbox', headers: BROWSER })).body);
      expect(page('h1').text()).toBe('Look in your inbox');
    });

    it('an error shows the form again, with the typed values and the error', async () => {
      const answer = await post({
        payload: `email=jane%40exa+mple&topics=Writing&stamp=${stamp()}`,
        headers: { ...FORM, ...BROWSER },
      });
      expect(answer.statusCode).toBe(422);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      const page = load(answer.body);
      expect(page('input[name=email]').attr()).toMatchObject({
        value: 'jane@exa mple',
        'aria-invalid': 'true',
        'aria-describedby': 'email-fault consent',
      });
      expect(page('#email-fault').text()).toBe('This address contains a space or an invisible character.');
      expect(page('[role=alert]').attr()).toMatchObject({ tabindex: '-1', autofocus: '' });
      expect(page('[role=alert] a').attr('href')).toBe('#email');
      expect(page('input[value=Writing]').attr('checked')).toBeDefined();
      expect(page('input[value=Coding]').attr('checked')).toBeUndefined();
      expect(page('title').text()).toMatch(/^Please look again/);
    });

    it('every form that is shown has a token of its own, signed by us', async () => {
      const signed = /^[\da-z]{17}\.[\w-]{22}$/u;
      const again = await post({ payload: 'email=jane%40exa+mple', headers: { ...FORM, ...BROWSER } });
      const shown = [
        again.body,
        ...(await Promise.all(
          ['/', '/subscribe', '/embed', '/comparisons'].map(
            async (url) => (await form.app.inject({ url, headers: BROWSER })).body,
          ),
        )),
      ];
      const tokens = shown.map((html) => String(load(html)('input[name=stamp]').attr('value')));
      for (const token of tokens) expect(token).toMatch(signed);
    });

    it('no box is ticked in advance, and the consent text is beside the button', async () => {
      const other = await form.site.serve({
        signUp: { ...form.site.signUp, privacy: { url: 'https://site.example/privacy', version: '3' } },
      });
      const page = load((await other.inject({ url: '/subscribe', headers: BROWSER })).body);
      expect(page('input[type=checkbox]').length).toBe(3);
      expect(page('input[checked]').length).toBe(0);
      expect(page('#consent').text()).toContain('only when I confirm there does it begin');
      expect(page('#consent a').attr('href')).toBe('https://site.example/privacy');
      expect(page('input[name=email]').attr()).toMatchObject({
        type: 'email',
        autocomplete: 'email',
        inputmode: 'email',
        autocapitalize: 'none',
      });
      expect(page('input[name=website]').attr()).toMatchObject({
        tabindex: '-1',
        autocomplete: 'off',
        'aria-hidden': 'true',
      });
    });

    it.each(['/', '/comparisons', '/comparisons/inkwell-vs-ferret', '/subscribe'])(
      'the form on %s has its own form token',
      async (url) => {
        const page = load((await form.app.inject({ url, headers: BROWSER })).body);
        const given = page('input[name=stamp]').attr('value');
        expect(page('form').attr()).toEqual({ method: 'post', action: '/subscribe' });
        expect(given).toMatch(/^[\da-z]+\.[\w-]{22}$/);
      },
    );
  });
}
