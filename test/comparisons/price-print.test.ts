import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSamePrice } from '../../src/comparisons/reprints/price-print.ts';

describe('Y2: a price in another print', () => {
  it.each([
    ['$20/mo', '$20 per month'],
    ['$20/mo', '$20/month'],
    ['$20 /mo.', '$20 a month'],
    ['$20/mo', '$20 monthly'],
    ['$20.00/mo', '$20/mo'],
    ['€0.40 per 1M tokens', '€0.40 / 1m tokens'],
    ['1,200 € per year', '€1200/yr'],
    ['20 EUR/mo', 'EUR 20 per month'],
    ['Free', 'free'],
    ['Free', '$0'],
    ['$0/mo', '€0.00 per user per year'],
    ['From $9/user/mo', 'from $9 per user per month'],
    ['$240 annually', '$240/year'],
  ])('%s is %s', (one, other) => {
    expect(isSamePrice(one, other)).toBe(true);
  });

  it.each([
    ['$20/mo', '$20'],
    ['$20/mo', '$200/mo'],
    ['$20/mo', '$20/yr'],
    ['$20/mo', '€20/mo'],
    ['$20/mo', 'US$20/mo'],
    ['$20/mo', '20 USD per month'],
    ['$20/mo', 'From $20/mo'],
    ['$20/mo', '$20/user/mo'],
    ['$20/mo', '$20/mo, billed yearly'],
    ['€1.000', '€1'],
    ['€1.000', '€1000'],
    ['€20,50', '€2050'],
    ['€0,400', '€400'],
    ['$1.50', '$150'],
    ['$1.05', '$1.5'],
    ['Free', '$0 for students'],
    ['Free', '0.5 €'],
    ['$5/€6', '$6/€5'],
  ])('%s is not %s', (one, other) => {
    expect(isSamePrice(one, other)).toBe(false);
  });

  const CURRENCIES = { $: ['$'], '€': ['€'], '£': ['£'], usd: ['USD ', 'usd '] };
  const PERIODS = {
    month: ['/mo', ' per month', '/month', ' / mo.', ' a month', ' monthly'],
    year: ['/yr', ' per year', '/year', ' yearly', ' annually'],
    user: ['/user', ' per user'],
    once: [''],
  };
  const price = fc.record({
    cents: fc.integer({ min: 0, max: 2_000_000 }),
    currency: fc.constantFrom(...(Object.keys(CURRENCIES) as (keyof typeof CURRENCIES)[])),
    period: fc.constantFrom(...(Object.keys(PERIODS) as (keyof typeof PERIODS)[])),
  });
  const print = (
    {
      cents,
      currency,
      period,
    }: { cents: number; currency: keyof typeof CURRENCIES; period: keyof typeof PERIODS },
    [a, b, c, d]: readonly number[],
  ) => {
    const pick = <T>(from: readonly T[], at = 0) => from[at % from.length] as T;
    const fixed = (cents / 100).toFixed(2);
    const amounts = cents % 100 === 0 ? [fixed, String(cents / 100)] : [fixed];
    const amount = pick(amounts, a);
    const grouped = pick([amount, amount.replace(/\B(?=(?:\d{3})+(?:\.|$))/gu, ',')], b);
    const sign = pick(CURRENCIES[currency], c);
    return (b ?? 0) % 3 === 0
      ? `${grouped} ${sign.trim()}${pick(PERIODS[period], d)}`
      : `${sign}${grouped}${pick(PERIODS[period], d)}`;
  };
  const prints = fc.array(fc.nat(11), { minLength: 4, maxLength: 4 });

  it('is the same in every print of the same amount, currency and period', () => {
    fc.assert(
      fc.property(price, prints, prints, (one, first, second) => {
        expect(isSamePrice(print(one, first), print(one, second))).toBe(true);
      }),
    );
  });

  it('is never the same when amount, currency or period differ', () => {
    fc.assert(
      fc.property(price, price, prints, prints, (one, other, first, second) => {
        fc.pre(one.cents > 0 || other.cents > 0);
        fc.pre(one.cents !== other.cents || one.currency !== other.currency || one.period !== other.period);
        expect(isSamePrice(print(one, first), print(other, second))).toBe(false);
      }),
    );
  });
});
