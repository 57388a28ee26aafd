import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/subscribers/address.ts';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { isHumanPace, signFormToken } from '../../src/subscribers/sign-up/form-token.ts';
import {
  createDomainCheck,
  type Dns,
  isDisposable,
  suggestDomain,
} from '../../src/subscribers/sign-up/reputation.ts';
import type { Keys } from '../../src/subscribers/tokens.ts';
import { foldAddress } from '../../src/transactional/requests/request-policy.ts';

const KEYS: Keys = ['a key for the tests, long enough..', 'the key before it, long enough...'];

describe('one inbox', () => {
  test.each([
    ['v.i.c.t.i.m+1@gmail.com', 'victim@gmail.com'],
    ['victim@googlemail.com', 'victim@gmail.com'],
    ['v.i.c.t.i.m+1@example.org', 'victim@example.org'],
    ['first.last+tag@example.org', 'firstlast@example.org'],
    ['+tag@example.org', '+tag@example.org'],
    ['a+b+c@example.org', 'a@example.org'],
  ])('%s counts as %s', (key, folded) => expect(foldAddress(key)).toBe(folded));

  test('has one folded name, however often it is folded, and keeps its provider', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.constantFrom('', '+x', '+a+b', '+.'), (given, tag) => {
        const address = parseAddress(given);
        if ('reason' in address) return;
        const folded = foldAddress(address.key);
        expect(foldAddress(folded)).toBe(folded);
        const [local, domain] = address.key.split('@');
        if (!local?.includes('+')) expect(foldAddress(`${local}${tag}@${domain}`)).toBe(folded);
        if (domain !== 'googlemail.com') expect(folded.endsWith(`@${domain}`)).toBe(true);
      }),
    );
  });
});

describe('a domain', () => {
  test.each([
    ['gmial.com', 'gmail.com'],
    ['gmaill.com', 'gmail.com'],
    ['hotmial.com', 'hotmail.com'],
    ['outlok.com', 'outlook.com'],
    ['yahooo.com', 'yahoo.com'],
    ['gmail.com', undefined],
    ['mail.com', undefined],
    ['gmx.ch', undefined],
    ['example.org', undefined],
    ['verdicts.example', undefined],
  ])('%s: did you mean %s?', (typed, meant) => expect(suggestDomain(typed)).toBe(meant));

  test.each(['mailinator.com', 'eu.mailinator.com'])('%s is disposable', (domain) =>
    expect(isDisposable(domain)).toBe(true),
  );
  test('of a mail provider is not disposable', () => expect(isDisposable('gmail.com')).toBe(false));
});

describe('a check whether a domain takes mail', () => {
  const fails = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
  const empty: Dns = {
    resolveMx: () => fails('ENODATA'),
    resolve4: () => fails('ENODATA'),
    resolve6: () => fails('ENODATA'),
  };
  /** Resolves the domain that every resolver knows, and the given answers for all others. */
  const dns = (more: Partial<Dns>): Dns => {
    const others = { ...empty, ...more };
    const resolveMx = async (domain: string) =>
      domain === 'gmail.com' ? [{ exchange: 'mx.gmail.com' }] : others.resolveMx(domain);
    return { ...others, resolveMx };
  };

  test.each<[string, Partial<Dns>, string]>([
    ['an MX', { resolveMx: async () => [{ exchange: 'mx.example.org' }] }, 'yes'],
    ['no MX, an address', { resolve4: async () => ['192.0.2.1'] }, 'yes'],
    ['no MX, an address of IPv6', { resolve6: async () => ['2001:db8::1'] }, 'yes'],
    ['a null MX (RFC 7505)', { resolveMx: async () => [{ exchange: '' }] }, 'no'],
    ['neither', {}, 'no'],
    ['no such name', { resolveMx: () => fails('ENOTFOUND') }, 'no'],
    ['a server that fails', { resolveMx: () => fails('ESERVFAIL') }, 'unknown'],
    ['no server', { resolveMx: () => fails('ECONNREFUSED') }, 'unknown'],
    ['no MX, and then a fault', { resolve4: () => fails('ETIMEOUT') }, 'unknown'],
  ])('%s', async (_name, records, said) => {
    expect(await createDomainCheck(dns(records))('example.org')).toBe(said);
  });

  test('does not trust a resolver that denies every name', async () => {
    const denies = { ...empty, resolveMx: () => fails('ENOTFOUND') };
    const check = createDomainCheck(denies);
    expect(await check('example.org')).toBe('unknown');
    expect(await check('gmail.com')).toBe('unknown');
    // An explicit null MX is different from no answer.
    const refuses = { ...denies, resolveMx: async () => [{ exchange: '.' }] };
    expect(await createDomainCheck(refuses)('example.org')).toBe('no');
  });

  test('accepts a domain that never answers', async () => {
    const check = createDomainCheck(dns({ resolveMx: () => new Promise(() => {}) }));
    expect(await check('example.org')).toBe('unknown');
  });

  test('is made once an hour for each domain', async () => {
    let asked = 0;
    let now = 0;
    const resolveMx = async () => {
      asked += 1;
      return [{ exchange: 'mx.example.org' }];
    };
    const check = createDomainCheck(dns({ resolveMx }), () => now);
    await Promise.all([check('example.org'), check('example.org')]);
    now = 3_599_000;
    await check('example.org');
    expect(asked).toBe(1);
    now = 3_601_000;
    await check('example.org');
    expect(asked).toBe(2);
  });

  test('delays nobody while the resolver is unreachable, and starts again by itself', async () => {
    let asked = 0;
    let now = 0;
    const resolveMx = () => {
      asked += 1;
      return fails('ECONNREFUSED');
    };
    const check = createDomainCheck(dns({ resolveMx }), () => now);
    for (let name = 0; name < 20; name += 1) expect(await check(`d${name}.example`)).toBe('unknown');
    expect(asked).toBe(3);
    now = 61_000;
    await check('d0.example');
    expect(asked).toBe(4);
  });

  test('remembers a limited number of domains', async () => {
    let asked = 0;
    const resolveMx = async () => {
      asked += 1;
      return [{ exchange: 'mx' }];
    };
    const check = createDomainCheck(dns({ resolveMx }));
    for (let name = 0; name <= 5_000; name += 1) await check(`d${name}.example`);
    await check('d5000.example');
    expect(asked).toBe(5_001);
    await check('d0.example');
    expect(asked).toBe(5_002);
  });
});

describe('a form token', () => {
  const shown = new Date('2026-11-22T12:00:00Z');
  const afterShown = (ms: number) => new Date(shown.getTime() + ms);
  test.each([
    [1_999, false],
    [2_000, true],
    [60_000, true],
    [24 * 3_600_000, true],
    [24 * 3_600_000 + 1, false],
    [-5_000, false],
  ])('used after %d ms comes from a person: %s', (ms, human) => {
    expect(isHumanPace(KEYS, signFormToken(KEYS, shown), afterShown(ms))).toBe(human);
  });

  test('stays valid after a change of keys, but not after other changes', () => {
    const stamp = signFormToken([KEYS[1] ?? ''], shown);
    expect(isHumanPace(KEYS, stamp, afterShown(5_000))).toBe(true);
    expect(isHumanPace([KEYS[0]], stamp, afterShown(5_000))).toBe(false);
    for (const forged of [undefined, '', 'x', `${stamp}x`, `0${stamp}`, stamp.replace('.', '')]) {
      expect(isHumanPace(KEYS, forged, afterShown(5_000))).toBe(false);
    }
  });

  test('is never genuine when it is made up', () => {
    fc.assert(fc.property(fc.string(), (text) => !isHumanPace(KEYS, text, shown)));
  });
});

test('the consent text has a version for every newsletter and wording', () => {
  const [one, other] = [consentText('Weekly Verdicts'), consentText('Monthly Verdicts')];
  expect(one.text).toContain('Weekly Verdicts');
  expect(one.version).not.toBe(other.version);
  expect(consentText('Weekly Verdicts')).toEqual(one);
});
