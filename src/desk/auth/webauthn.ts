import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';

/**
 * WebAuthn, with a library: creates the options for browsers, and verifies their responses. The library takes a
 * quarter of a second to load, so this file is loaded when a passkey is first used.
 */

/** The site that passkeys are for, in the terms of WebAuthn. */
export interface RelyingParty {
  /** Host name; a passkey works for this host only. */
  id: string;
  /** The origin that responses must have. */
  origin: string;
  /** The name that people see. */
  name: string;
}

/** The stored part of a passkey, for verifying its next response. */
export interface Credential {
  credentialId: string;
  /** COSE, base64url. */
  publicKey: string;
  counter: number;
  transports: string[];
}

/**
 * EdDSA, ES256 and RS256: the algorithms that every supported version of Node can verify. The library's default
 * offers more on newer versions, and such a passkey could not be verified after a return to an older one.
 */
const ALGORITHMS = [-8, -7, -257];

const described = ({ credentialId: id, transports }: Pick<Credential, 'credentialId' | 'transports'>) => ({
  id,
  transports,
});

/** Returns the options for `navigator.credentials.create`, as JSON. */
export async function creationOptions(
  { id: rpID, name: rpName }: RelyingParty,
  {
    email,
    userHandle,
    known,
    minutes,
  }: { email: string; userHandle: string; known: readonly Credential[]; minutes: number },
) {
  return generateRegistrationOptions({
    rpID,
    rpName,
    userName: email,
    userDisplayName: email,
    userID: new Uint8Array(Buffer.from(userHandle, 'base64url')),
    timeout: minutes * 60_000,
    attestationType: 'none',
    excludeCredentials: known.map(described),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** Returns the options for `navigator.credentials.get`, as JSON. */
export async function requestOptions(
  { id: rpID }: RelyingParty,
  { known, minutes }: { known: readonly Credential[]; minutes: number },
) {
  return generateAuthenticationOptions({
    rpID,
    allowCredentials: known.map(described),
    timeout: minutes * 60_000,
    userVerification: 'preferred',
  });
}

/** Verifies a new passkey and returns it. @throws Error that says why the response is not genuine. */
export async function verifyCreation(
  { id: expectedRPID, origin: expectedOrigin }: RelyingParty,
  { answer, challenge }: { answer: unknown; challenge: string },
): Promise<Credential & { isSynced: boolean }> {
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    // The library checks it field by field.
    response: answer as RegistrationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin,
    expectedRPID,
    requireUserVerification: false,
    supportedAlgorithmIDs: ALGORITHMS,
  });
  if (!verified) throw new Error('The attestation could not be verified');
  const { credential, credentialBackedUp } = registrationInfo;
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: credential.transports ?? [],
    isSynced: credentialBackedUp,
  };
}

/**
 * Verifies a response and returns the new state of its passkey.
 * @throws Error that says why the response is not genuine: another challenge, origin or host, a wrong signature, or
 * a counter that does not increase, as with a copied passkey.
 */
export async function verifyRequest(
  { id: expectedRPID, origin: expectedOrigin }: RelyingParty,
  { answer, challenge, credential }: { answer: unknown; challenge: string; credential: Credential },
): Promise<{ counter: number; isSynced: boolean }> {
  const { credentialId, publicKey, counter, transports } = credential;
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: answer as AuthenticationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin,
    expectedRPID,
    credential: {
      id: credentialId,
      publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')),
      counter,
      transports,
    },
    requireUserVerification: false,
  });
  if (!verified) throw new Error('The signature is wrong');
  return { counter: authenticationInfo.newCounter, isSynced: authenticationInfo.credentialBackedUp };
}
