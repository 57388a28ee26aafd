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
 * Who is at the desk. A link is mailed to an editor, works once, soon, and only in the browser that
 * asked for it; a session is a random cookie, of which the database keeps the hash. Who may do what is read from
 * the settings at every request, so that an editor who is taken off them is out at once.
 */

/** A session ends when nothing was done in it for so many hours, and in any case after so many days. */
export const SESSION_IDLE_HOURS = 12;
export const SESSION_MAX_DAYS = 30;

/** How long somebody counts as having just proved who they are: long enough to add a passkey. */
export const FRESH_MINUTES = 15;

/**
 * Answers those who asked for a sign-in link: it is mailed to the address of an editor, and nobody else gets any.
 * @param parts `onLink` is told of every link, for whoever shows them where no mail leaves this machine.
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
  return async (tx, admitted, silent) => {
    for (const each of [...admitted, ...silent]) {
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
 * Uses a link, once, and opens a session.
 * @returns the value of its cookie, and whose it is; null when the link is not good here and now, which the log
 * explains.
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
  /** A passkey of its owner was used in it. */
  usedPasskey: boolean;
  /** Its owner has one, whether it was used here or not. */
  ownsPasskey: boolean;
  /** Its owner proved who they are within the last {@link FRESH_MINUTES}: with a passkey, where they have one. */
  isFresh: boolean;
}

/**
 * The session behind a cookie, alive and of somebody who is an editor today. What is refused is written down, in the
 * name of its owner where there is one.
 * @param route where it was refused, for the log.
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
    // Whoever is put back must not find an old session alive.
    if (row !== undefined && editor === undefined) await endAccessOfFormerEditors(db, editors);
    const why =
      row === undefined ? 'no such session' : editor === undefined ? 'not an editor any more' : row.over;
    await auditRefusal(db, { who: row?.email ?? null, what: 'session_refused', details: { why, route } });
    return undefined;
  }
  // Its own clock is the one thing that reading moves.
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

/** Ends every session of an editor, wherever it is. */
export async function endSessionsOf(db: Connection, { email }: Editor): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const sessions = await updateSessionsEnded(tx, email);
    await audit(tx, { who: email, what: 'signed_out_everywhere', details: { sessions } });
  });
}

/**
 * Ends what people have who are not editors any more: sessions, sign-in links, and links for reviewers that they made.
 * Done at every start, and when a request shows such a session, so that being put back on the list revives nothing.
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
 * A sign-in link for an editor who gets no mail, to be handed over by the operator. Whoever has the shell is trusted,
 * so it works in any browser; like a mailed one it works once, for {@link SIGN_IN_LINK_MINUTES}.
 * @param by who prints it.
 * @returns its token. @throws AppError `editor-unknown`.
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
