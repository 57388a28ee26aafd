import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Keys, keyId, restoreUuid, shortenUuid } from '../tokens.ts';

/** An id that links in mail carry for a person, as it moves from one installation to another. */
export interface CarriedLink {
  /** The first link of a person has the id of their row. */
  id: string;
  /** Version of the links that open preferences and votes; 0: these links only unsubscribe. */
  version: number;
  /** Later versions were mailed to somebody else; 0: there are none. */
  upTo: number;
}

const FORM = /^1\.([\w-]{6})\.([\w-]{22})((?:\.[\w-]{22}\.\d{1,10}\.\d{1,10})+)$/;

/**
 * Makes the function that writes the links of one person into an export: `1.<key id>.<signature>`, then
 * `.<id>.<version>.<up to>` for every id. The signature covers the address, so that a forged list cannot give the links
 * of one person to another.
 */
export function createLinkWriter(keys: Keys): (emailKey: string, links: readonly CarriedLink[]) => string {
  const name = keyId(keys[0]);
  const secret = createSecretKey(keys[0], 'utf8');
  return (emailKey, links) => {
    const body = links.map(({ id, version, upTo }) => `.${shortenUuid(id)}.${version}.${upTo}`).join('');
    return `1.${name}.${signatureOf(secret, emailKey, body)}${body}`;
  };
}

/** Makes the function that reads such a text. It returns undefined when none of the keys signed it for the address. */
export function createLinkReader(keys: Keys): (emailKey: string, text: string) => CarriedLink[] | undefined {
  const secrets = new Map(keys.map((key) => [keyId(key), createSecretKey(key, 'utf8')]));
  return (emailKey, text) => {
    const [, name = '', given = '', body = ''] = FORM.exec(text) ?? [];
    const secret = secrets.get(name);
    if (secret === undefined) return undefined;
    if (!timingSafeEqual(Buffer.from(signatureOf(secret, emailKey, body)), Buffer.from(given)))
      return undefined;
    const fields = body.slice(1).split('.');
    return Array.from({ length: fields.length / 3 }, (_, index) => {
      const [id = '', version, upTo] = fields.slice(index * 3, index * 3 + 3);
      return { id: restoreUuid(id), version: Number(version), upTo: Number(upTo) };
    });
  };
}

/** 132 bits: short, because lists are long. */
function signatureOf(secret: KeyObject, emailKey: string, body: string): string {
  return createHmac('sha256', secret).update(`links\0${emailKey}\0${body}`).digest('base64url').slice(0, 22);
}
