import { describe, expect, it } from 'vitest';
import type { SubscribeForm } from './form.ts';

/** The sites whose pages may post the form. */
export function describeOrigins(form: SubscribeForm): void {
  describe('the origin of a post', () => {
    const { json } = form;

    it.each<[string, Record<string, string>, number]>([
      ['our own page', { origin: 'https://verdicts.example' }, 202],
      ['our own page, without referrers', { origin: 'null', 'sec-fetch-site': 'same-origin' }, 202],
      ['a site on the list', { origin: 'https://blog.example', 'sec-fetch-site': 'cross-site' }, 202],
      ['no page', {}, 202],
      ['an old browser without referrers', { origin: 'null' }, 202],
      ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
      ['a subdomain', { origin: 'https://a.blog.example' }, 403],
      ['another scheme', { origin: 'http://blog.example' }, 403],
      ['another port', { origin: 'https://blog.example:8443' }, 403],
      ['a frame without an origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
      ['nonsense', { origin: 'nonsense' }, 403],
    ])('%s', async (_name, headers, status) => {
      const answer = await json({ email: 'from@example.org' }, { headers });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers.vary).toContain('Origin');
      const isListed = headers.origin === 'https://blog.example';
      expect(answer.headers['access-control-allow-origin']).toBe(isListed ? headers.origin : undefined);
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    });

    it('a script of a configured site passes the preflight; a script of another site does not', async () => {
      const ask = (origin: string) =>
        form.app.inject({
          method: 'OPTIONS',
          url: '/subscribe',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type',
          },
        });
      const [listed, other] = [await ask('https://blog.example'), await ask('https://evil.example')];
      expect(listed.headers).toMatchObject({
        'access-control-allow-origin': 'https://blog.example',
        'access-control-allow-headers': 'Content-Type, Idempotency-Key',
      });
      expect(other.headers['access-control-allow-origin']).toBeUndefined();
      expect(other.headers['access-control-allow-headers']).toBeUndefined();
    });

    it('a script can request the data that its form needs', async () => {
      const answer = await form.app.inject({ url: '/subscribe', headers: { accept: 'application/json' } });
      expect(answer.json()).toMatchObject({
        stamp: expect.stringMatching(/\./),
        consent: expect.stringContaining('Weekly AI Tool Verdicts'),
        topics: ['Audio & Music', 'Coding', 'Writing'],
      });
    });
  });
}
