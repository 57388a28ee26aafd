import { randomBytes, randomUUID } from 'node:crypto';
import type { Editor } from '../../config/editors.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../../subscribers/tokens.ts';
import { SIGN_IN_LINK_MINUTES } from '../../transactional/link-lifetimes.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import type { MailRequest } from '../../transactional/requests/request-store.ts';
import { queueMail } from '../../transactional/transactional-store.ts';
import { audit, auditRefusal } from '../audit/audit.ts';
import {
  insertLink,
  insertSession,
  selectLink,
  selectSession,
  touchSession,
  updateAccessEnded,
  updateLinkUsed,
  updateSessionEnded,
  updateSessionsEnded,
} from '../desk-store.ts';

/**
 * The sessions of the desk. A sign-in link is mailed to an editor; it works once, for a short time, and only in the
 * browser that requested it. A session is a random cookie, of which the database stores the hash. Roles are read
 * from the settings at every request, so that an editor who is removed from them loses access at once.
 */

/** A session ends after so many hours without a request, and in any case after so many days. */
export const SESSION_IDLE_HOURS = 12;
export const SESSION_MAX_DAYS = 30;

/** How long a proof of identity counts as fresh: long enough to add a passkey. */
export const FRESH_MINUTES = 15;

/**
 * Handles requests for a sign-in link: it is mailed to an editor's address only.
 * @param parts `onLink` is called with every link, for showing it in the terminal if no mail leaves this machine.
 */
export function signInLinkHandler({
  editors,
  keys,
  onLink = () => {},
}: {
  editors: readonly Editor[];
  keys: Keys;
  onLink?: ((token: string) => void) | undefined;
}): MailRequestHandler {
  const isEditor = ({ emailKey }: MailRequest) => editors.some(({ email }) => email === emailKey);
  return async (tx, admitted, overLimit) => {
    for (const each of [...admitted, ...overLimit]) {
      const isKnown = isEditor(each);
      if (isKnown && admitted.includes(each)) continue;
      const refusal = isKnown
        ? { who: each.emailKey, details: { why: 'too many' } }
        : { who: null, details: { why: 'not an editor' } };
      await auditRefusal(tx, { what: 'link_refused', ...refusal });
    }
    const mailIds: string[] = [];
    for (const { emailKey: email, details } of admitted.filter(isEditor)) {
      const mailId = randomUUID();
      const name = keyId(keys[0]);
      const token = oneTimeToken(keys, mailId, name);
      const browserHash = String(details.browserHash);
      await insertLink(tx, {
        tokenHash: tokenHash(token),
        browserHash,
        email,
        minutes: SIGN_IN_LINK_MINUTES,
      });
      await queueMail(tx, { kind: 'sign_in', id: mailId, recipient: email, keyId: name });
      await audit(tx, { who: email, what: 'link_asked' });
      mailIds.push(mailId);
      onLink(token);
    }
    return mailIds;
  };
}

/**
 * Uses a link once, and opens a session.
 * @returns the value of its cookie, and its editor; null when the link is not valid here and now; the audit log has
 * the reason.
 */
export async function signIn(
  db: Connection,
  { token, browser, editors }: { token: string; browser: string | undefined; editors: readonly Editor[] },
): Promise<{ cookie: string; email: string } | null> {
  const hash = tokenHash(token);
  return db.transaction().execute(async (tx) => {
    const link = await selectLink(tx, hash);
    const known = editors.some(({ email }) => email === link?.email);
    const why =
      link === undefined
        ? 'unknown'
        : !known
          ? 'not an editor any more'
          : link.used
            ? 'used before'
            : link.expired
              ? 'too old'
              : link.browserHash !== null &&
                  (browser === undefined || tokenHash(browser) !== link.browserHash)
                ? 'another browser'
                : null;
    if (link === undefined || why !== null) {
      if (link !== undefined && !known) await endAccess(tx, editors);
      await auditRefusal(tx, { who: link?.email ?? null, what: 'link_refused', details: { why } });
      return null;
    }
    await updateLinkUsed(tx, hash);
    const cookie = randomBytes(32).toString('base64url');
    await insertSession(tx, tokenHash(cookie), link.email);
    await audit(tx, { who: link.email, what: 'signed_in' });
    return { cookie, email: link.email };
  });
}

export interface Session {
  editor: Editor;
  hash: string;
  /** Whether its owner has used a passkey in it. */
  usedPasskey: boolean;
  /** Whether its owner has a passkey, used here or not. */
  ownsPasskey: boolean;
  /**
   * Whether its owner proved their identity within the last {@link FRESH_MINUTES}: with a passkey, if they have
   * one.
   */
  isFresh: boolean;
}

/**
 * Returns the session of a cookie, if it is valid and its owner is still an editor. Refusals are recorded, under
 * the owner's name if there is one.
 * @param route the refused route, for the log.
 */
export async function sessionOf(
  db: Connection,
  { cookie, editors, route }: { cookie: string; editors: readonly Editor[]; route: string | undefined },
): Promise<Session | undefined> {
  const hash = tokenHash(cookie);
  const row = await selectSession(db, hash, {
    idleHours: SESSION_IDLE_HOURS,
    maxDays: SESSION_MAX_DAYS,
    freshMinutes: FRESH_MINUTES,
  });
  const editor = editors.find(({ email }) => email === row?.email);
  if (row === undefined || editor === undefined || row.over !== null) {
    // An editor who is added again later must not find an old session valid.
    if (row !== undefined && editor === undefined) await endAccessOfFormerEditors(db, editors);
    const why =
      row === undefined ? 'no such session' : editor === undefined ? 'not an editor any more' : row.over;
    await auditRefusal(db, { who: row?.email ?? null, what: 'session_refused', details: { why, route } });
    return undefined;
  }
  // A read request changes nothing but the session's own clock.
  if (row.stale) await touchSession(db, hash);
  const { usedPasskey, ownsPasskey, isFresh } = row;
  return { editor, hash, usedPasskey, ownsPasskey, isFresh };
}

export async function endSession(db: Connection, { editor, hash }: Session): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await updateSessionEnded(tx, hash);
    await audit(tx, { who: editor.email, what: 'signed_out' });
  });
}

/** Ends every session of an editor, in all browsers. */
export async function endSessionsOf(db: Connection, { email }: Editor): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const sessions = await updateSessionsEnded(tx, email);
    await audit(tx, { who: email, what: 'signed_out_everywhere', details: { sessions } });
  });
}

/**
 * Ends the access of former editors: sessions, sign-in links, and the review links that they created. Runs at every
 * start, and when a request has such a session, so that an editor who is added again gets none of them back.
 */
export async function endAccessOfFormerEditors(db: Connection, editors: readonly Editor[]): Promise<void> {
  await db.transaction().execute((tx) => endAccess(tx, editors));
}

async function endAccess(tx: Connection, editors: readonly Editor[]): Promise<void> {
  const ended = await updateAccessEnded(
    tx,
    editors.map(({ email }) => email),
  );
  for (const { email, sessions, links } of ended)
    await audit(tx, { who: email, what: 'access_ended', details: { sessions, links } });
}

/**
 * Creates a sign-in link for an editor who gets no mail; the operator hands it over. The operator has shell access
 * and is trusted, so the link works in any browser; like a mailed one it works once, for {@link
 * SIGN_IN_LINK_MINUTES}.
 * @param by the operator.
 * @returns its token.
 * @throws AppError `editor-unknown`.
 */
export async function printLink(
  db: Connection,
  { typed, editors, by }: { typed: string; editors: readonly Editor[]; by: string },
): Promise<{ email: string; token: string }> {
  const { email } = requireEditor(typed, editors);
  const token = randomBytes(32).toString('base64url');
  await db.transaction().execute(async (tx) => {
    await insertLink(tx, {
      tokenHash: tokenHash(token),
      browserHash: null,
      email,
      minutes: SIGN_IN_LINK_MINUTES,
    });
    await audit(tx, { who: by, what: 'link_printed', details: { for: email } });
  });
  return { email, token };
}

/** @throws AppError `editor-unknown`. */
export function requireEditor(typed: string, editors: readonly Editor[]): Editor {
  const editor = editors.find(({ email }) => email === typed.trim().toLowerCase());
  if (editor !== undefined) return editor;
  throw new AppError('editor-unknown', 'This address is not in EDITORS.', {
    help: 'Add it there as ADDRESS:publisher or ADDRESS:editor, then run this again.',
  });
}
