import { randomBytes } from 'node:crypto';
import type { Editor, PasskeyPolicy } from '../../config/editors.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { audit, auditRefusal } from '../audit/audit.ts';
import { updateLinksEnded, updateSessionsEnded } from '../desk-store.ts';
import {
  deletePasskey,
  deletePasskeys,
  insertPasskey,
  lockPasskeys,
  type PasskeyRow,
  type Purpose,
  selectPasskeys,
  takeChallenge,
  updatePasskeyName,
  updatePasskeyUsed,
  updateSessionPasskey,
  upsertChallenge,
} from './passkey-store.ts';
import { FRESH_MINUTES, type Session } from './sessions.ts';
import type { RelyingParty } from './webauthn.ts';

/**
 * Passkeys: the second factor of the desk, after the mailed link. Only public keys are stored. An editor who has a
 * passkey must use it in every session before anything else; whether publishers must have one is a setting.
 */

/** The step that a session still lacks: using its owner's passkey, or registering a first one for a publisher. */
export type PasskeyStep = 'use' | 'register';

export function passkeyStep(
  policy: PasskeyPolicy,
  { editor, usedPasskey, ownsPasskey }: Session,
): PasskeyStep | undefined {
  if (policy === 'off' || (usedPasskey && ownsPasskey)) return undefined;
  if (ownsPasskey) return 'use';
  return policy === 'required' && editor.role === 'publisher' ? 'register' : undefined;
}

export function relyingPartyOf(site: { publicUrl: string; newsletterName: string }): RelyingParty {
  const { hostname, origin } = new URL(site.publicUrl);
  return { id: hostname, origin, name: site.newsletterName };
}

export type Passkey = Pick<PasskeyRow, 'id' | 'name' | 'isSynced' | 'createdAt' | 'lastUsedAt'>;

export async function listPasskeys(db: Connection, { email }: Editor): Promise<Passkey[]> {
  return selectPasskeys(db, email);
}

/** How long a challenge is valid. */
const CHALLENGE_MINUTES = 5;

/** The most passkeys of one editor: more than anybody has devices. */
const MAX_PASSKEYS = 20;

/** The most characters of a passkey's name. */
export const PASSKEY_NAME_MAX_LENGTH = 60;

/**
 * Returns the options for the browser, with a challenge that this session can use once.
 * @throws AppError `passkey-stale`, `passkey-refused`.
 */
export async function passkeyOptions(
  db: Connection,
  session: Session,
  { purpose, site }: { purpose: Purpose; site: RelyingParty },
): Promise<{ challenge: string }> {
  const { creationOptions, requestOptions } = await import('./webauthn.ts');
  const { email } = session.editor;
  const known = await selectPasskeys(db, email);
  if (purpose === 'register') requireFresh(session);
  if (purpose === 'register' && known.length >= MAX_PASSKEYS)
    throw new AppError('passkey-refused', `You have ${MAX_PASSKEYS} passkeys, and more are not kept.`, {
      help: 'Remove one that you do not use.',
    });
  const minutes = CHALLENGE_MINUTES;
  const options =
    purpose === 'register'
      ? await creationOptions(site, { email, userHandle: userHandleOf(known), known, minutes })
      : await requestOptions(site, { known, minutes });
  const { challenge } = options;
  await upsertChallenge(db, { sessionHash: session.hash, purpose, challenge, minutes });
  return options;
}

/**
 * One random user id for all passkeys of an editor: authenticators store it, and it must not reveal their address.
 */
function userHandleOf([first]: PasskeyRow[]): string {
  return first?.userHandle ?? randomBytes(32).toString('base64url');
}

/**
 * Stores a new passkey, and counts it as used in this session.
 * @param answer the browser's response, as JSON.
 * @throws AppError `passkey-stale`, `passkey-name`, `passkey-refused`.
 */
export async function addPasskey(
  db: Connection,
  session: Session,
  { site, name: typed, answer }: { site: RelyingParty; name: string; answer: string },
): Promise<void> {
  requireFresh(session);
  const name = nameOf(typed);
  const { verifyCreation } = await import('./webauthn.ts');
  const challenge = await requireChallenge(db, session, 'register');
  const passkey = await orRefuse(db, session, () =>
    verifyCreation(site, { answer: parse(answer), challenge }),
  );
  const { hash, editor } = session;
  const isAdded = await db.transaction().execute(async (tx) => {
    const userHandle = userHandleOf(await lockPasskeys(tx, editor.email));
    const transports = passkey.transports.filter((each) => /^[\w-]{1,20}$/.test(each)).slice(0, 10);
    const id = await insertPasskey(tx, editor.email, { ...passkey, userHandle, transports, name });
    if (id === undefined) return false;
    await updateSessionPasskey(tx, hash, id);
    await audit(tx, { who: editor.email, what: 'passkey_added', details: { passkey: name } });
    return true;
  });
  if (!isAdded) await refuse(db, session, 'registered before');
}

/**
 * Verifies a passkey: the second step of signing in, also required again before passkeys are changed.
 * @throws AppError `passkey-refused`.
 */
export async function usePasskey(
  db: Connection,
  session: Session,
  { site, answer }: { site: RelyingParty; answer: string },
): Promise<void> {
  const { verifyRequest } = await import('./webauthn.ts');
  const challenge = await requireChallenge(db, session, 'authenticate');
  const { hash, editor } = session;
  const parsed = parse(answer);
  const why = await db.transaction().execute(async (tx) => {
    const passkeys = await lockPasskeys(tx, editor.email);
    const credential = passkeys.find(({ credentialId }) => credentialId === (parsed as { id?: unknown })?.id);
    if (credential === undefined) return 'no passkey of this editor';
    const result = await verifyRequest(site, { answer: parsed, challenge, credential }).catch(
      (error: Error) => error.message,
    );
    if (typeof result === 'string') return result;
    await updatePasskeyUsed(tx, { id: credential.id, ...result });
    await updateSessionPasskey(tx, hash, credential.id);
    await audit(tx, { who: editor.email, what: 'passkey_used', details: { passkey: credential.name } });
    return undefined;
  });
  if (why !== undefined) await refuse(db, session, why);
}

/** @throws AppError `passkey-name`; `passkey-unknown`. */
export async function renamePasskey(
  db: Connection,
  { editor }: Session,
  { id, name: typed }: { id: string; name: string },
): Promise<void> {
  const name = nameOf(typed);
  await db.transaction().execute(async (tx) => {
    const before = await updatePasskeyName(tx, { id, email: editor.email, name });
    if (before === undefined) throw unknownPasskey();
    const details = { passkey: name, before };
    await audit(tx, { who: editor.email, what: 'passkey_renamed', details });
  });
}

/**
 * Removes a passkey and ends the other sessions in which it was used.
 * @throws AppError `passkey-stale`; `passkey-last`, where publishers must have one; `passkey-unknown`.
 */
export async function removePasskey(
  db: Connection,
  session: Session,
  { id, policy }: { id: string; policy: PasskeyPolicy },
): Promise<void> {
  requireFresh(session);
  const { editor, hash } = session;
  await db.transaction().execute(async (tx) => {
    const passkeys = await lockPasskeys(tx, editor.email);
    const passkey = passkeys.find((each) => each.id === id);
    if (passkey === undefined) throw unknownPasskey();
    if (passkeys.length === 1 && policy === 'required' && editor.role === 'publisher')
      throw new AppError('passkey-last', 'This is your only passkey, and publishers must have one here.', {
        help: 'Add another one first, then remove this one.',
      });
    await deletePasskey(tx, { id, exceptSession: hash });
    await audit(tx, { who: editor.email, what: 'passkey_removed', details: { passkey: passkey.name } });
  });
}

/**
 * For an editor who lost their passkeys, by the operator: removes all of them, and ends every session and every
 * unused link, because a lost device may be in other hands.
 * @returns how many passkeys there were.
 */
export async function resetPasskeys(
  db: Connection,
  { editor: { email }, by }: { editor: Editor; by: string },
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const passkeys = await deletePasskeys(tx, email);
    const sessions = await updateSessionsEnded(tx, email);
    const links = await updateLinksEnded(tx, email);
    await audit(tx, { who: by, what: 'passkeys_reset', details: { of: email, passkeys, sessions, links } });
    return passkeys;
  });
}

/** @throws AppError `passkey-stale`. */
function requireFresh({ isFresh, ownsPasskey }: Session): void {
  if (isFresh) return;
  throw new AppError(
    'passkey-stale',
    `Passkeys are changed within ${FRESH_MINUTES} minutes of proving who you are.`,
    {
      help: ownsPasskey
        ? 'Use one of your passkeys once more, then try again.'
        : 'Sign out, sign in by a new link, then try again.',
    },
  );
}

/** @throws AppError `passkey-name`. */
function nameOf(typed: string): string {
  const name = [...typed.trim().replace(/\s+/g, ' ').toWellFormed()]
    .slice(0, PASSKEY_NAME_MAX_LENGTH)
    .join('');
  if (name !== '') return name;
  throw new AppError('passkey-name', 'This passkey has no name.', {
    help: 'Give it one by which you know it again, like “Phone” or “Blue key”.',
  });
}

function unknownPasskey(): AppError {
  return new AppError('passkey-unknown', 'You have no such passkey any more.', {
    help: 'Open your account once more: it lists those you have.',
  });
}

/** Text that is not JSON is refused later like other invalid responses, by its shape. */
function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return {};
  }
}

async function requireChallenge(db: Connection, session: Session, purpose: Purpose): Promise<string> {
  const taken = await takeChallenge(db, session.hash, purpose);
  if (taken === undefined) return refuse(db, session, 'no open challenge');
  return taken.expired ? refuse(db, session, 'a challenge that is too old') : taken.challenge;
}

async function orRefuse<T>(db: Connection, session: Session, verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    return refuse(db, session, (error as Error).message);
  }
}

/** The most characters of a reason in the log: it may quote what a browser sent. */
const REASON_MAX_LENGTH = 200;

/** @throws AppError `passkey-refused` always; the log stores the reason. */
async function refuse(db: Connection, { editor }: Session, reason: string): Promise<never> {
  const why = reason.slice(0, REASON_MAX_LENGTH).toWellFormed();
  await auditRefusal(db, { who: editor.email, what: 'passkey_refused', details: { why } });
  throw new AppError('passkey-refused', 'This passkey was not accepted.', {
    help: 'Press the button again. If that does not help, use another passkey, or ask the people who run this installation.',
  });
}
