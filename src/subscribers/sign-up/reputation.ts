import { Resolver } from 'node:dns/promises';
import { distance } from 'fastest-levenshtein';

/** What the domain tells about an address. The database is not consulted: the answer is the same for everybody. */

/** The most common mail domains; a domain one edit away is probably a typing error. */
const COMMON = [
  'gmail.com',
  'googlemail.com',
  'yahoo.com',
  'yahoo.co.uk',
  'hotmail.com',
  'outlook.com',
  'live.com',
  'icloud.com',
  'me.com',
  'aol.com',
  'proton.me',
  'protonmail.com',
  'fastmail.com',
  'gmx.de',
  'gmx.net',
  'gmx.com',
  'web.de',
  'mail.ru',
  'yandex.ru',
  'qq.com',
  '163.com',
  'orange.fr',
  'free.fr',
  'comcast.net',
];

/** Providers whose names resemble those of larger ones. */
const ALSO_RIGHT = ['email.com', 'mail.com', 'ymail.com'];

const MAIL_HOSTS = new Set([...COMMON, ...ALSO_RIGHT]);

/** Whether the domain offers mailboxes to everybody, and does not belong to one company or person. */
export function isMailHost(domain: string): boolean {
  return MAIL_HOSTS.has(domain);
}

/** Short names are close to many other correct ones (`me.com`), so no domain is suggested for them. */
const LONG_ENOUGH = 8;

/** @returns the domain that was probably meant; only a suggestion for a person. */
export function suggestDomain(domain: string): string | undefined {
  if (domain.length < LONG_ENOUGH || isMailHost(domain)) return undefined;
  const near = COMMON.map((known) => ({ known, far: distance(domain, known) }))
    .filter(({ known, far }) => far <= (known.length > 10 ? 2 : 1) || isSwap(domain, known))
    .sort((a, b) => a.far - b.far);
  return near[0]?.known;
}

/** Two neighbouring letters changed places ("gmial.com"): one typing error, though it counts as two edits. */
function isSwap(domain: string, known: string): boolean {
  if (domain.length !== known.length) return false;
  const at = [...domain].findIndex((letter, index) => letter !== known[index]);
  return domain === `${known.slice(0, at)}${known[at + 1]}${known[at]}${known.slice(at + 2)}`;
}

/** Well-known disposable domains. Such lists become outdated, so a match only makes us more careful. */
const DISPOSABLE = new Set([
  '10minutemail.com',
  'dispostable.com',
  'fakeinbox.com',
  'getnada.com',
  'guerrillamail.com',
  'guerrillamail.info',
  'maildrop.cc',
  'mailinator.com',
  'mailnesia.com',
  'mintemail.com',
  'mohmal.com',
  'sharklasers.com',
  'spamgourmet.com',
  'temp-mail.org',
  'tempmail.com',
  'throwawaymail.com',
  'trashmail.com',
  'yopmail.com',
]);

export function isDisposable(domain: string): boolean {
  return DISPOSABLE.has(domain) || DISPOSABLE.has(domain.slice(domain.indexOf('.') + 1));
}

/** `no` only when DNS says so; a domain that cannot be queried is accepted. */
export type TakesMail = 'yes' | 'no' | 'unknown';
export type DomainCheck = (domain: string) => Promise<TakesMail>;

/** The part of `node:dns` that is used. */
export interface Dns {
  resolveMx(domain: string): Promise<{ exchange: string }[]>;
  resolve4(domain: string): Promise<string[]>;
  resolve6(domain: string): Promise<string[]>;
}

const TIMEOUT_MS = 1_500;
const CACHE_MS = 3_600_000;
const CACHED_DOMAINS = 5_000;
/** After failures for this many domains in a row, the resolver is at fault, not the domains. */
const OUTAGE_AFTER = 3;
/** How long an unreachable resolver, or one unreachable domain, is not queried again. */
const OUTAGE_MS = 60_000;

/** A resolver with a time limit. */
export function systemDns(): Dns {
  return new Resolver({ timeout: TIMEOUT_MS / 2, tries: 2 });
}

/** A domain that certainly exists: a resolver that does not find it resolves no public name at all. */
const REFERENCE_DOMAIN = 'gmail.com';

/**
 * Asks whether a domain takes mail: by its MX records or, without any, by its address records (RFC 5321 §5.1). A null
 * MX (RFC 7505) and a name that does not exist give `no`. A resolver that fails, is slow, or denies every name (as
 * behind a firewall) gives `unknown`, and is not queried again for a while.
 */
export function createDomainCheck(dns: Dns, now: () => number = Date.now): DomainCheck {
  const cache = new Map<string, { answer: Promise<TakesMail>; until: number }>();
  let faults = 0;
  let outageUntil = 0;
  const check: DomainCheck = (domain) => {
    const known = cache.get(domain);
    if (known !== undefined && known.until > now()) return known.answer;
    if (outageUntil > now()) return Promise.resolve('unknown');
    const entry = {
      until: now() + CACHE_MS,
      answer: ask(dns, domain).then(async (found) => {
        const isDenied =
          found === 'absent' && (domain === REFERENCE_DOMAIN || (await check(REFERENCE_DOMAIN)) !== 'yes');
        const result = isDenied ? 'unknown' : found === 'absent' ? 'no' : found;
        faults = result === 'unknown' ? faults + 1 : 0;
        if (result === 'unknown') entry.until = now() + OUTAGE_MS;
        if (faults >= OUTAGE_AFTER) outageUntil = now() + OUTAGE_MS;
        return result;
      }),
    };
    cache.delete(domain);
    cache.set(domain, entry);
    // A Map keeps insertion order: the first entry is the oldest.
    const [oldest] = cache.size > CACHED_DOMAINS ? cache.keys() : [];
    if (oldest !== undefined) cache.delete(oldest);
    return entry.answer;
  };
  return check;
}

type Found = TakesMail | 'absent';

async function ask(dns: Dns, domain: string): Promise<Found> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Found>((resolve) => {
    timer = setTimeout(() => resolve('unknown'), TIMEOUT_MS);
  });
  try {
    return await Promise.race([lookUp(dns, domain), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function lookUp(dns: Dns, domain: string): Promise<Found> {
  try {
    const records = await dns.resolveMx(domain);
    if (records.length > 0) return records.every(({ exchange }) => isNull(exchange)) ? 'no' : 'yes';
  } catch (error) {
    if (!isAbsence(error)) return 'unknown';
    if (codeOf(error) === 'ENOTFOUND') return 'absent';
  }
  const addresses = await Promise.allSettled([dns.resolve4(domain), dns.resolve6(domain)]);
  if (addresses.some((found) => found.status === 'fulfilled' && found.value.length > 0)) return 'yes';
  return addresses.every((found) => found.status === 'fulfilled' || isAbsence(found.reason))
    ? 'absent'
    : 'unknown';
}

const isNull = (exchange: string) => exchange === '' || exchange === '.';
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
/** The name does not exist, or has no record of this type; every other error is a resolver or network fault. */
const isAbsence = (error: unknown) => codeOf(error) === 'ENOTFOUND' || codeOf(error) === 'ENODATA';
