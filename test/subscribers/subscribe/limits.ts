import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { signFormToken } from '../../../src/subscribers/sign-up/form-token.ts';
import type { SubscribeForm } from './form.ts';

/** How often a network may post, and which posts are suspicious. */
export function describeLimits(form: SubscribeForm): void {
  describe('the limit of a network', () => {
    const { clear, json, network, post, stamp, waiting } = form;

    it('answers 429 with Retry-After, and does not delay others', async () => {
      const from = (remoteAddress: string) => json({ email: 'often@example.org' }, { remoteAddress });
      const ours = '192.0.2.77';
      for (let time = 0; time < 10; time += 1) expect((await from(ours)).statusCode).toBe(202);
      const refused = await from(ours);
      expect(refused.statusCode).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
      expect((await from(`::ffff:${ours}`)).statusCode).toBe(429);
      expect((await from('192.0.2.78')).statusCode).toBe(202);
    });

    it('counts a /64 of IPv6 as one', async () => {
      const from = (remoteAddress: string) => json({ email: 'six@example.org' }, { remoteAddress });
      for (let host = 1; host <= 10; host += 1) {
        expect((await from(`2001:db8:1:1::${host}`)).statusCode).toBe(202);
      }
      expect((await from('2001:db8:1:1:ffff::9')).statusCode).toBe(429);
      expect((await from('2001:db8:1:2::1')).statusCode).toBe(202);
    });

    it('uses the address that our own proxy reports, and ignores the claims of others', async () => {
      const send = (server: FastifyInstance, client: string) =>
        json(
          { email: 'proxied@example.org' },
          { remoteAddress: '10.9.9.9', headers: { 'x-forwarded-for': client } },
          server,
        );
      for (const trustProxy of [['10.0.0.0/8'], 1]) {
        const behind = await form.site.serve({ trustProxy });
        for (let client = 0; client < 12; client += 1) {
          expect(
            (await send(behind, `198.51.${Array.isArray(trustProxy) ? 100 : 101}.${client}`)).statusCode,
          ).toBe(202);
        }
      }
      const statuses = [];
      for (let client = 0; client < 12; client += 1) {
        statuses.push((await send(form.app, `198.51.102.${client}`)).statusCode);
      }
      expect(statuses).toContain(429);
    });

    it.each([
      ['without a stamp', {}],
      ['that was filled in at once', { stamp: () => signFormToken(form.site.keys, new Date()) }],
      [
        'from yesterday',
        { stamp: () => signFormToken(form.site.keys, new Date(Date.now() - 25 * 3_600_000)) },
      ],
      ['of a throw-away address', { stamp, email: 'x@mailinator.com' }],
    ])(
      'a form %s is accepted, and is suspicious',
      async (_name, {
        stamp: made,
        email = 'slow@example.org',
      }: { stamp?: () => string; email?: string }) => {
        await clear();
        const remoteAddress = network();
        const send = () => post({ payload: { email, ...(made ? { stamp: made() } : {}) }, remoteAddress });
        for (let time = 0; time < 3; time += 1) expect((await send()).statusCode).toBe(202);
        expect((await waiting()).every((row) => row.is_suspicious)).toBe(true);
      },
    );
  });
}
