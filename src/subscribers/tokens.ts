import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * Tokens in the links of a mail: `1.<key id>.<subscriber>.<version>.<signature>`, 56 characters. They are computed, not
 * stored, so that a repeated issue contains the same bytes. A token works for one scope only, which is signed but not
 * printed. No token contains an address. They do not expire, because old issues stay in inboxes (CAN-SPAM asks for 30
 * days, we accept them permanently). Raising the subscriber's version voids them, except for unsubscribing. Actions
 * that a forwarded issue must not allow require a fresh link (step-up/step-up-store.ts).
 */
export type Scope = 'unsubscribe' | 'preferences' | 'vote';

export interface Claim {
  subscriberId: string;
  version: number;
}

/** At least one key; the first signs, all verify. */
export type Keys = readonly [string, ...string[]];

/** A short public name of a key: it identifies the key and does not reveal it. */
export function keyId(key: string): string {
  return createHash('sha256').update(`key id\0${key}`).digest('base64url').slice(0, 6);
}

/** Makes a signer for one scope with the key called `id`, or the first one. */
export function signer(keys: Keys, scope: Scope, id?: string): (claim: Claim) => string {
  const key = signingKey(keys, id);
  return (claim) => signed(key, scope, bodyOf(key, claim));
}

/** Signers for all scopes. Their common part is computed once, because an issue has many readers. */
export function signerOfAll(keys: Keys, id?: string): (claim: Claim) => Record<Scope, string> {
  const key = signingKey(keys, id);
  return (claim) => {
    const body = bodyOf(key, claim);
    return {
      unsubscribe: signed(key, 'unsubscribe', body),
      preferences: signed(key, 'preferences', body),
      vote: signed(key, 'vote', body),
    };
  };
}

interface SigningKey {
  name: string;
  secret: KeyObject;
}

function signingKey(keys: Keys, id?: string): SigningKey {
  const key = keys.find((each) => keyId(each) === id) ?? keys[0];
  // A KeyObject is created once; a key given as text would be converted for every signature.
  return { name: keyId(key), secret: createSecretKey(key, 'utf8') };
}

function bodyOf({ name }: SigningKey, { subscriberId, version }: Claim): string {
  return `1.${name}.${shortenUuid(subscriberId)}.${version}`;
}

/** A uuid in 22 characters instead of 36. */
export function shortenUuid(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

/** Restores an id that {@link shortenUuid} shortened. */
export function restoreUuid(short: string): string {
  const hex = Buffer.from(short, 'base64url').toString('hex');
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return `${a}-${b}-${c}-${d}-${e}`;
}

function signed({ secret }: SigningKey, scope: Scope, body: string): string {
  return `${body}.${signature(secret, scope, body)}`;
}

/** The claim of a genuine token, or undefined; it takes the same time for every forgery. */
export function verify(keys: Keys, scope: Scope, token: string): Claim | undefined {
  const match = /^(1\.([\w-]{6})\.([\w-]{22})\.(\d{1,9}))\.([\w-]{22})$/.exec(token);
  if (match === null) return undefined;
  const [, body = '', id = '', subscriber = '', version = '', given = ''] = match;
  const key = keys.find((each) => keyId(each) === id) ?? '';
  const genuine = timingSafeEqual(Buffer.from(signature(key, scope, body)), Buffer.from(given));
  if (!genuine || key === '') return undefined;
  return { subscriberId: restoreUuid(subscriber), version: Number(version) };
}

/** Whether a token names a key that is not ours: it may be genuine in another installation. */
export function isOfAnotherKey(keys: Keys, token: string): boolean {
  const named = /^1\.([\w-]{6})\.[\w-]{22}\.\d{1,9}\.[\w-]{22}$/.exec(token)?.[1];
  return named !== undefined && !keys.some((key) => keyId(key) === named);
}

/**
 * 128 bits of HMAC-SHA-256 (RFC 2104 §5 allows half) in base64url: 21 characters, and two bits of the next. Truncated
 * from the text of all 256 bits, because every reader of an issue gets three, and a Buffer costs more than the hash.
 */
function signature(key: string | KeyObject, scope: Scope, body: string): string {
  const whole = createHmac('sha256', key).update(`${scope}\0${body}`).digest('base64url');
  return whole.slice(0, 21) + BASE64URL[BASE64URL.indexOf(whole[21] ?? '') & 0b110000];
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * The token of a link that works once, 43 characters: 256 bits of HMAC over the random id of its mail. Without the key
 * it looks random. We need not store it, so that a mail sent again after a crash carries the same link. The database
 * stores only its {@link tokenHash}.
 */
export function oneTimeToken(keys: Keys, mailId: string, id: string): string {
  const key = keys.find((each) => keyId(each) === id) ?? keys[0];
  return createHmac('sha256', key).update(`mail\0${mailId}`).digest('base64url');
}

/** What the database stores of a one-time token. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
