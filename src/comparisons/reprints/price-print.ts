/**
 * One spelling of a price, for comparing two of them: a site that prints "$20 per month" instead of "$20/mo" has not
 * changed the price. Only spellings that cannot mean anything else are made equal; the amount, the currency, the period
 * and every other word must be the same. "$" and "USD" stay different, because "$" is the sign of twenty currencies.
 */

/** Whether two prices are the same one, printed in two ways. */
export function isSamePrice(one: string, other: string): boolean {
  return one === other || spelling(one) === spelling(other);
}

/** "20", "1,000", "20.00": groups of thousands, and two decimals. Part of a longer number, it is left as it is. */
const AMOUNT = String.raw`(?<![\d.,])(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d\d)?(?![.,]?\d)`;
const CODE = '(?:usd|eur|gbp|jpy|chf|cad|aud|inr|cny)';

/** "€ 20" and "20 €": the sign or the code of a currency, before or after its amount. */
const BESIDE = new RegExp(`(\\p{Sc}|\\b${CODE}\\b) ?(${AMOUNT})|(${AMOUNT}) ?(\\p{Sc}|\\b${CODE}\\b)`, 'gu');

const PERIODS: [RegExp, string][] = [
  [/\bmonthly\b/gu, '/month'],
  [/\b(?:yearly|annually)\b/gu, '/year'],
  [/\bweekly\b/gu, '/week'],
  [/\bdaily\b/gu, '/day'],
  [/\b(?:mo|mth)\b\.?/gu, 'month'],
  [/\byr\b\.?/gu, 'year'],
  [/\bwk\b\.?/gu, 'week'],
  [/\bhr\b\.?/gu, 'hour'],
  [/\b(?:a|an|each) (?=(?:month|year|week|day|hour|user|seat)\b)/gu, '/'],
  [/\bper\b/gu, '/'],
  [/ ?\/ ?/gu, '/'],
];

/** "$0", "0 €/month": nothing in any currency. */
const NOTHING = new RegExp(`^(?:\\p{Sc}|${CODE})?0(?:/[a-z]+)*$`, 'u');

function spelling(price: string): string {
  let text = price.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
  text = text.replace(BESIDE, (_, before, amount, amountFirst, after) =>
    before === undefined ? `${after}${amountFirst}` : `${before}${amount}`,
  );
  text = text.replace(new RegExp(AMOUNT, 'gu'), (amount) =>
    amount.replaceAll(',', '').replace(/(\.\d)0$/u, (_, tenths) => (tenths === '.0' ? '' : tenths)),
  );
  const spelled = PERIODS.reduce((rest, [from, to]) => rest.replace(from, to), text);
  return NOTHING.test(spelled) ? 'free' : spelled;
}
