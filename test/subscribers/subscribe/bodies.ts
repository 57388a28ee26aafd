import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { FORM, type SubscribeForm } from './form.ts';

/** The formats in which a form may be sent, and bodies that are no form. */
export function describeBodies(form: SubscribeForm): void {
  describe('a body', () => {
    const { clear, json, post, waiting } = form;

    const multipart = [
      '--b',
      'Content-Disposition: form-data; name="email"',
      '',
      'multi@example.org',
      '--b',
      'Content-Disposition: form-data; name="topics"',
      '',
      'Writing',
      '--b',
      'Content-Disposition: form-data; name="topics"',
      '',
      'coding',
      '--b--',
      '',
    ].join('\r\n');

    it.each<[string, InjectOptions]>([
      ['JSON', { payload: { email: 'multi@example.org', topics: ['Writing', 'coding', 'Gambling'] } }],
      ['urlencoded', { headers: FORM, payload: 'email=multi%40example.org&topics=Writing&topics=coding' }],
      [
        'urlencoded, as PHP',
        { headers: FORM, payload: 'email=multi%40example.org&topics[]=Writing&topics[]=coding' },
      ],
      ['multipart', { headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: multipart }],
    ])('in %s means the same', async (_name, more) => {
      await clear();
      expect((await post(more)).statusCode).toBe(202);
      expect(await waiting()).toMatchObject([{ email: 'multi@example.org', topics: ['Coding', 'Writing'] }]);
    });

    it('may have more fields than we ask for; an invalid optional value counts as missing', async () => {
      await clear();
      const fields = { email: 'odd@example.org', timezone: 'Mars/Base', source: 'a\u0000b', isAdmin: true };
      expect((await json(fields)).statusCode).toBe(202);
      expect(await waiting()).toMatchObject([{ timezone: null, source: null, topics: [] }]);
    });

    it.each<[string, InjectOptions, number, string?]>([
      [
        'two addresses',
        { headers: FORM, payload: 'email=a%40example.org&email=b%40example.org' },
        422,
        'duplicate',
      ],
      [
        'two, as PHP',
        { headers: FORM, payload: 'email=a%40example.org&email[]=b%40example.org' },
        422,
        'duplicate',
      ],
      ['a list of addresses', { payload: { email: ['a@example.org', 'b@example.org'] } }, 422, 'wrong_type'],
      ['an object', { payload: { email: { $ne: null } } }, 422, 'wrong_type'],
      ['a number', { payload: { email: 42 } }, 422, 'wrong_type'],
      ['topics of numbers', { payload: { email: 'a@example.org', topics: [1] } }, 422, 'wrong_type'],
      ['null', { payload: { email: null } }, 422, 'wrong_type'],
      ['nothing', { headers: FORM, payload: '' }, 422, 'required'],
      ['a JSON array', { headers: { 'content-type': 'application/json' }, payload: '[]' }, 400],
      ['half of JSON', { headers: { 'content-type': 'application/json' }, payload: '{"email":"a@' }, 400],
      [
        'bytes',
        { headers: { 'content-type': 'application/json' }, payload: Buffer.from([0x7b, 0xff, 0x7d]) },
        400,
      ],
      ['no body', { headers: { 'content-type': 'application/json' } }, 400],
      [
        'half of multipart',
        { headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: '--b\r\nCon' },
        422,
      ],
      ['8 kB and one', { headers: FORM, payload: `email=${'a'.repeat(8_187)}` }, 413],
      ['10 MB', { headers: FORM, payload: 'a'.repeat(10_000_000) }, 413],
      [
        '10 MB of JSON',
        { headers: { 'content-type': 'application/json' }, payload: 'a'.repeat(10_000_000) },
        413,
      ],
      ['text', { headers: { 'content-type': 'text/plain' }, payload: 'email=a@example.org' }, 415],
      [
        'XML',
        { headers: { 'content-type': 'application/xml' }, payload: '<email>a@example.org</email>' },
        415,
      ],
      ['no type', { payload: Buffer.from('email=a%40example.org') }, 415],
    ])('with %s is refused', async (_name, more, status, code) => {
      await clear();
      const answer = await post(more);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.json()).toMatchObject({ status, ...(code ? { errors: [{ code }] } : {}) });
      expect(await waiting()).toEqual([]);
    });

    it.each(['PUT', 'DELETE', 'PATCH'] as const)('is not for %s', async (method) => {
      expect((await form.app.inject({ method, url: '/subscribe', payload: {} })).statusCode).toBe(405);
    });

    it('in a URL is ignored: a GET signs nobody up', async () => {
      await clear();
      await form.app.inject('/subscribe?email=a@example.org');
      expect(await waiting()).toEqual([]);
    });
  });
}
