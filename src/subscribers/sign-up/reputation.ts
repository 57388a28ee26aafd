import { Resolver } from 'node:dns/promises';
import { distance } from 'fastest-levenshtein';

/** What a domain tells about an address, whoever has it: nothing here depends on who is in the database. */

/** Where most readers have their mail; a domain close to one of these is likely a slip of the finger. */
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

/** Providers that are called nearly like a greater one. */
const ALSO_RIGHT = ['email.com', 'mail.com', 'ymail.com'];

const MAIL_HOSTS = new Set([...COMMON, ...ALSO_RIGHT]);

/** Whether it is a provider of mailboxes for everybody, and not one company's or one person's domain. */
export function isMailHost(domain: string): boolean {
  return MAIL_HOSTS.has(domain);
}

/** Short names are close to many others that are right (`me.com`): they must not be guessed at. */
const LONG_ENOUGH = 8;

/** @returns the domain that was probably meant; a hint for a person, never a correction. */
export function suggestDomain(domain: string): string | undefined {
  if (domain.length < LONG_ENOUGH || isMailHost(domain)) return undefined;
  const near = COMMON.map((known) => ({ known, far: distance(domain, known) }))
    .filter(({ known, far }) => far <= (known.length > 10 ? 2 : 1) || isSwap(domain, known))
    .sort((a, b) => a.far - b.far);
  return near[0]?.known;
}

/** Two neighbours changed places: one slip, though two edits ("gmial.com"). */
function isSwap(domain: string, known: string): boolean {
  if (domain.length !== known.length) return false;
  const at = [...domain].findIndex((letter, index) => letter !== known[index]);
  return domain === `${known.slice(0, at)}${known[at + 1]}${known[at]}${known.slice(at + 2)}`;
}

/** Throw-away addresses of the best known kind. Such lists rot, so it only makes us careful. */
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

/** `no` only where the domain itself says so; who cannot be asked is believed. */
export type TakesMail = 'yes' | 'no' | 'unknown';
export type DomainCheck = (domain: string) => Promise<TakesMail>;

/** The part of `node:dns` that is needed. */
export interface Dns {
  resolveMx(domain: string): Promise<{ exchange: string }[]>;
  resolve4(domain: string): Promise<string[]>;
  resolve6(domain: string): Promise<string[]>;
}

const PATIENCE_MS = 1_500;
const CACHE_MS = 3_600_000;
const CACHED_DOMAINS = 5_000;
/** So many domains in a row that cannot be asked about: it is the resolver, not they. */
const OUTAGE_AFTER = 3;
/** Then, and for one such domain, nobody is made to wait again for this long. */
const OUTAGE_MS = 60_000;

/** A resolver that gives up in time. */
export function systemDns(): Dns {
  return new Resolver({ timeout: PATIENCE_MS / 2, tries: 2 });
}

/** Exists, whatever else does: a resolver that has not heard of it knows no other name either. */
const WITNESS = 'gmail.com';

/**
 * Asks whether a domain takes mail: by its MX records, or, without any, by an address (RFC 5321 §5.1). A
 * null MX (RFC 7505) and a name that does not exist are `no`; a resolver that fails, dawdles or denies
 * everything, as behind a wall, is `unknown`, and is left alone for a while.
 */
export function createDomainCheck(dns: Dns, now: () => number = Date.now): DomainCheck {
  const kept = new Map<string, { answer: Promise<TakesMail>; until: number }>();
  let faults = 0;
  let outageUntil = 0;
  const check: DomainCheck = (domain) => {
    const known = kept.get(domain);
    if (known !== undefined && known.until > now()) return known.answer;
    if (outageUntil > now()) return Promise.resolve('unknown');
    const entry = {
      until: now() + CACHE_MS,
      answer: ask(dns, domain).then(async (found) => {
        const isDenied = found === 'absent' && (domain === WITNESS || (await check(WITNESS)) !== 'yes');
        const said = isDenied ? 'unknown' : found === 'absent' ? 'no' : found;
        faults = said === 'unknown' ? faults + 1 : 0;
        if (said === 'unknown') entry.until = now() + OUTAGE_MS;
        if (faults >= OUTAGE_AFTER) outageUntil = now() + OUTAGE_MS;
        return said;
      }),
    };
    kept.delete(domain);
    kept.set(domain, entry);
    // A Map keeps the order in which it was filled: the first is the oldest.
    const [oldest] = kept.size > CACHED_DOMAINS ? kept.keys() : [];
    if (oldest !== undefined) kept.delete(oldest);
    return entry.answer;
  };
  return check;
}

type Found = TakesMail | 'absent';

async function ask(dns: Dns, domain: string): Promise<Found> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<Found>((resolve) => {
    timer = setTimeout(() => resolve('unknown'), PATIENCE_MS);
  });
  try {
    return await Promise.race([look(dns, domain), patience]);
  } finally {
    clearTimeout(timer);
  }
}

async function look(dns: Dns, domain: string): Promise<Found> {
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
/** The name does not exist, or has no record of the kind; everything else is a fault on the way. */
const isAbsence = (error: unknown) => codeOf(error) === 'ENOTFOUND' || codeOf(error) === 'ENODATA';
