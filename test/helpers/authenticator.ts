import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * A security key in software: answers the desk's requests like a browser's `toJSON`, byte for byte by WebAuthn §6.1 and
 * §8.7. It does whatever a test says, even what no browser would do.
 */
export interface Authenticator {
  readonly credentialId: string;
  /** How often it was used; a test resets it, as a copied key would. */
  counter: number;
  create(options: { challenge: string }): string;
  get(options: { challenge: string }): string;
  /** The same key, on a site that claims to be another. */
  claiming(claims: Partial<Claims>): Pick<Authenticator, 'get'>;
}

/** The claimed values; by default those of the tests' desk. */
interface Claims {
  origin: string;
  relyingParty: string;
}

const HERE: Claims = { origin: 'https://verdicts.example', relyingParty: 'verdicts.example' };

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest();

export function softwareAuthenticator(claims: Partial<Claims> = {}): Authenticator {
  const { origin, relyingParty } = { ...HERE, ...claims };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  const credentialId = id.toString('base64url');
  const clientData = (type: string, challenge: string, from = origin) =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
  const answer = (response: Record<string, unknown>) =>
    JSON.stringify({
      ...{ id: credentialId, rawId: credentialId, type: 'public-key', clientExtensionResults: {} },
      response,
    });
  return {
    credentialId,
    counter: 0,
    create({ challenge }) {
      const attested = Buffer.concat([Buffer.alloc(16), uint(id.length, 2), id, coseKey(publicKey)]);
      const authData = Buffer.concat([authenticatorData(relyingParty, 0x45, this.counter), attested]);
      return answer({
        clientDataJSON: clientData('webauthn.create', challenge).toString('base64url'),
        attestationObject: attestationObject(authData).toString('base64url'),
        transports: ['usb'],
      });
    },
    get(options) {
      return this.claiming({}).get(options);
    },
    claiming(others) {
      const there = { origin, relyingParty, ...others };
      return {
        get: ({ challenge }) => {
          this.counter += 1;
          const authData = authenticatorData(there.relyingParty, 0x05, this.counter);
          const data = clientData('webauthn.get', challenge, there.origin);
          const signature = sign('sha256', Buffer.concat([authData, sha256(data)]), privateKey);
          return answer({
            clientDataJSON: data.toString('base64url'),
            authenticatorData: authData.toString('base64url'),
            signature: signature.toString('base64url'),
          });
        },
      };
    },
  };
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** @param flags 1: a user is present, 4: the user was verified, 64: a key follows. */
const authenticatorData = (relyingParty: string, flags: number, counter: number) =>
  Buffer.concat([sha256(relyingParty), Buffer.from([flags]), uint(counter, 4)]);

/** CBOR of `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`: a key on P-256 for ES256. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string) => Buffer.concat([Buffer.from([0x58, 32]), Buffer.from(text, 'base64url')]);
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    bytes(x),
    Buffer.from([0x22]),
    bytes(y),
  ]);
}

/** CBOR of `{fmt: 'none', attStmt: {}, authData}`. */
function attestationObject(authData: Buffer): Buffer {
  const text = (word: string) => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);
  return Buffer.concat([
    Buffer.from([0xa3]),
    ...[text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData')],
    Buffer.from([0x59]),
    uint(authData.length, 2),
    authData,
  ]);
}
