import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/subscribers/address.ts';
import { type Keys, keyId, type Scope, signer, verify } from '../../src/subscribers/tokens.ts';

describe('an address', () => {
  test.each([
    ['reader@example.org', 'reader@example.org', 'reader@example.org'],
    ['  Reader.Name+Tag@Example.ORG ', 'Reader.Name+Tag@example.org', 'reader.name+tag@example.org'],
    ['mail@bücher.example', 'mail@xn--bcher-kva.example', 'mail@xn--bcher-kva.example'],
    ['mail@例え.テスト', 'mail@xn--r8jz45g.xn--zckzah', 'mail@xn--r8jz45g.xn--zckzah'],
    ['mail@example。org', 'mail@example.org', 'mail@example.org'],
    [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
  ])('%j is accepted', (given, email, key) => {
    expect(parseAddress(given)).toEqual({ email, key });
  });

  test.each([
    ['', /empty/],
    ['reader', /form/],
    ['@example.org', /form/],
    ['reader@', /form/],
    ['reader@localhost', /form/],
    [`reader@${'b'.repeat(64)}.org`, /form|domain/],
    ['reader@example-.org', /form|domain/],
    ['reader@-example.org', /form|domain/],
    ['a..b@example.org', /form/],
    ['a%b@example.org', /form/],
    ['"quoted local"@example.org', /space/],
    ['"quoted"@example.org', /form/],
    ['reader@[192.0.2.1]', /domain|form/],
    ['Name <reader@example.org>', /space/],
    ['<reader@example.org>', /form|domain/],
    ['a@example.org,b@example.org', /form/],
    ['a@example.org b@example.org', /space/],
    ['reader@example.org\r\nBcc: other@example.org', /space/],
    ['reader\u0000@example.org', /space/],
    ['reader@exam\u200bple.org', /space/],
    ['\u202ereader@example.org', /space/],
    ['leser🙂@example.org', /letters before/],
    ['größe@example.org', /letters before/],
    [`${'a'.repeat(65)}@example.org`, /64/],
    [`a@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(63)}.org`, /domain/],
    [`${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(59)}.org`, /254/],
  ])('%j is refused', (given, reason) => {
    const read = parseAddress(given);
    expect('reason' in read && read.reason).toMatch(reason);
  });

  test('never causes an exception, and an accepted one is safe in a header and parses to itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress()), (text) => {
        const read = parseAddress(text);
        if ('reason' in read) return;
        expect(read.email).toMatch(/^[\x21-\x7e]+$/);
        expect(parseAddress(read.email)).toEqual(read);
        expect(read.key).toBe(read.email.toLowerCase());
      }),
    );
  });
});

describe('a token', () => {
  const claims = fc.record({ subscriberId: fc.uuid(), version: fc.nat({ max: 999_999_999 }) });
  const secrets = fc.string({ minLength: 32, maxLength: 60 });
  const scopes = fc.constantFrom<Scope>('unsubscribe', 'preferences');

  test('returns the signed claim, whichever of the keys signed it', () => {
    fc.assert(
      fc.property(claims, scopes, secrets, secrets, (claim, scope, old, fresh) => {
        const token = signer([old], scope)(claim);
        expect(verify([fresh, old], scope, token)).toEqual(claim);
        const rotated: Keys = [fresh, old];
        expect(signer(rotated, scope, keyId(old))(claim)).toBe(token);
      }),
    );
  });

  test('works for one scope and one reader only', () => {
    fc.assert(
      fc.property(claims, secrets, (claim, key) => {
        const token = signer([key], 'unsubscribe')(claim);
        expect(verify([key], 'preferences', token)).toBeUndefined();
        expect(verify([`${key}x`], 'unsubscribe', token)).toBeUndefined();
      }),
    );
  });

  test('is refused when any character was changed', () => {
    fc.assert(
      fc.property(
        claims,
        secrets,
        fc.nat(),
        fc.constantFrom('A', 'b', '7', '.', '_', ' '),
        (claim, key, at, character) => {
          const token = signer([key], 'unsubscribe')(claim);
          const index = at % token.length;
          const forged = token.slice(0, index) + character + token.slice(index + 1);
          const read = verify([key], 'unsubscribe', forged);
          // The last character of a base64url group has unused bits: another spelling has the same bytes.
          if (forged !== token && read !== undefined) expect(read).toEqual(claim);
        },
      ),
    );
  });

  test.each<[Scope, string]>([
    ['unsubscribe', '1.Gdro_X.C40MNm-eS1edCy-PPBt6VQ.7.FafN2pG8GgBHiptvMoCuhg'],
    ['preferences', '1.Gdro_X.C40MNm-eS1edCy-PPBt6VQ.7.a2NeR3yhzoc3EoC-26ZyQA'],
    ['vote', '1.Gdro_X.C40MNm-eS1edCy-PPBt6VQ.7.ZV67eMAfDzSscyBJxuQKuQ'],
  ])('in an old mail stays valid for ever: %s', (scope, token) => {
    const claim = { subscriberId: '0b8d0c36-6f9e-4b57-9d0b-2f8f3c1b7a55', version: 7 };
    expect(verify(['k'.repeat(32)], scope, token)).toEqual(claim);
    expect(signer(['k'.repeat(32)], scope)(claim)).toBe(token);
  });

  test('ends in the first half of an HMAC-SHA-256 (RFC 2104)', () => {
    fc.assert(
      fc.property(claims, secrets, scopes, (claim, key, scope) => {
        const [, body = '', signature] = /^(.*)\.([\w-]+)$/.exec(signer([key], scope)(claim)) ?? [];
        const hmac = createHmac('sha256', key).update(`${scope}\0${body}`).digest();
        expect(signature).toBe(hmac.subarray(0, 16).toString('base64url'));
      }),
    );
  });

  test('fits the local part of a mailto (RFC 5321: 64 octets) and needs no escaping in a URL', () => {
    const token = signer(
      ['k'.repeat(32)],
      'unsubscribe',
    )({ subscriberId: crypto.randomUUID(), version: 9_999 });
    expect(`u+${token}`.length).toBeLessThanOrEqual(64);
    expect(encodeURIComponent(token)).toBe(token);
  });
});
