import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { load } from 'cheerio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turnstile } from '../../../src/platform/http/challenge.ts';
import type { SubscribeForm } from './form.ts';

/** The vendor's puzzle. When the vendor fails, nobody is refused. */
export function describePuzzle(form: SubscribeForm): void {
  describe('the puzzle', () => {
    const { clear, json, network, post, waiting } = form;

    let vendor: Server;
    let url: string;
    const asked: URLSearchParams[] = [];
    let says: (response: string | null) => { status?: number; body: string } = () => ({ body: '{}' });

    beforeAll(async () => {
      vendor = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          const form = new URLSearchParams(body);
          asked.push(form);
          const { status = 200, body: answer } = says(form.get('response'));
          if (status === 0) request.socket.destroy();
          else response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
        });
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => vendor.once('listening', resolve));
      url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}/siteverify`;
    });
    afterAll(async () => {
      vendor.closeAllConnections();
      await new Promise((resolve) => vendor.close(resolve));
    });

    const faults: string[] = [];
    const guarded = () =>
      form.site.serve({
        signUp: {
          ...form.site.signUp,
          challenge: turnstile({ url, siteKey: 'site-key', secretKey: 'secret-key' }, (reason) =>
            faults.push(reason),
          ),
        },
      });
    const honest = (response: string | null) => ({
      body: JSON.stringify(
        response === 'solved'
          ? { success: true }
          : { success: false, 'error-codes': ['invalid-input-response'] },
      ),
    });
    const ANSWER = 'cf-turnstile-response';

    it('clears everybody who solved it, however suspicious they look', async () => {
      says = honest;
      await clear();
      const server = await guarded();
      const remoteAddress = network();
      const answer = await post(
        { payload: { email: 'solved@mailinator.com', [ANSWER]: 'solved' }, remoteAddress },
        server,
      );
      expect(answer.statusCode).toBe(202);
      expect(await waiting()).toMatchObject([{ is_suspicious: false }]);
      expect(Object.fromEntries(asked.at(-1) ?? [])).toEqual({
        secret: 'secret-key',
        response: 'solved',
        remoteip: remoteAddress,
      });
    });

    it('is required only of suspicious posts; an unsolved one makes other posts suspicious', async () => {
      says = honest;
      await clear();
      const server = await guarded();
      for (const fields of [{}, { [ANSWER]: 'guessed' }]) {
        const odd = await post({ payload: { email: 'odd@example.org', ...fields } }, server);
        expect([odd.statusCode, odd.json().errors]).toMatchObject([
          422,
          [{ field: ANSWER, code: 'challenge_required' }],
        ]);
      }
      expect((await json({ email: 'no-script@example.org' }, {}, server)).statusCode).toBe(202);
      expect(await waiting()).toMatchObject([{ email: 'no-script@example.org', is_suspicious: true }]);
    });

    it.each([
      ['is down', { status: 503, body: 'sorry' }],
      ['hangs up', { status: 0, body: '' }],
      ['has a fault of its own', { body: '{"success":false,"error-codes":["internal-error"]}' }],
      ['does not know our key', { body: '{"success":false,"error-codes":["invalid-input-secret"]}' }],
      ['talks nonsense', { body: '[]' }],
    ])('refuses nobody while its vendor %s', async (_name, answer) => {
      says = () => answer;
      faults.length = 0;
      await clear();
      const server = await guarded();
      const remoteAddress = network();
      const send = () => json({ email: 'away@example.org', [ANSWER]: 'solved' }, { remoteAddress }, server);
      expect([(await send()).statusCode, (await send()).statusCode, (await send()).statusCode]).toEqual([
        202, 202, 429,
      ]);
      expect((await waiting()).every((row) => row.is_suspicious)).toBe(true);
      expect(faults.length).toBeGreaterThan(0);
      expect(faults.join()).not.toMatch(/solved|secret-key/);
    });

    it("is allowed by the page's policy, and only when it is configured", async () => {
      const server = await guarded();
      const [guardedPage, plain] = [await server.inject('/'), await form.app.inject('/')];
      const policy = String(guardedPage.headers['content-security-policy']);
      expect(policy).toContain('script-src https://challenges.cloudflare.com;');
      expect(policy).toContain('frame-src https://challenges.cloudflare.com;');
      expect(load(guardedPage.body)('.cf-turnstile').attr('data-sitekey')).toBe('site-key');
      expect(String(plain.headers['content-security-policy'])).not.toMatch(/script-src|frame-src/);
      expect(load(plain.body)('script[src], .cf-turnstile').length).toBe(0);
    });
  });
}
