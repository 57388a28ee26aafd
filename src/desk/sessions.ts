import { randomBytes, randomUUID } from 'node:crypto';
import type { Connection } from '../db/index.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../subscribers/index.ts';
import { queueMail } from '../transactional/index.ts';
import { audit, auditRefusal } from './audit.ts';
import {
  countLinks,
  insertLink,
  insertSession,
  selectLink,
  selectSession,
  touchSession,
  updateLinkUsed,
  updateSessionEnded,
  updateSessionsEnded,
} from './store.ts';

/**
 * Who is at the desk. A link is mailed to an editor, works once within 15 minutes, and only in the browser that
 * asked for it; a session is a random cookie, of which the database keeps the hash. Who may do what is read from
 * the settings at every request, so that an editor who is taken off them is out at once.
 */

/** Editors write; only publishers approve, send, pause and cancel. */
export type Role = 'editor' | 'publisher';

/** Who may sign in: an entry of `EDITORS`. */
export interface Editor {
  /** Lower case. */
  email: string;
  role: Role;
}

/** Links to one editor in an hour: enough for a lost mail, too few to fill an inbox. */
const LINKS_AN_HOUR = 5;

export interface AskedLink {
  mailId: string;
  token: string;
}

/**
 * Puts a sign-in link for an editor on the books, to be mailed.
 * @param typed as in the form.
 * @param browser the random value of a cookie in the browser that asks.
 * @returns null for strangers and for too many: whoever asked must not be told which.
 */
export async function askForLink(
  db: Connection,
  {
    typed,
    browser,
    editors,
    keys,
  }: { typed: string; browser: string; editors: readonly Editor[]; keys: Keys },
): Promise<AskedLink | null> {
  const editor = editors.find(({ email }) => email === typed.trim().toLowerCase());
  if (editor === undefined) {
    await auditRefusal(db, { who: null, what: 'link_refused', details: { why: 'not an editor' } });
    return null;
  }
  const { email } = editor;
  return db.transaction().execute(async (tx) => {
    if ((await countLinks(tx, email)) >= LINKS_AN_HOUR) {
      await auditRefusal(tx, { who: email, what: 'link_refused', details: { why: 'too many' } });
      return null;
    }
    const mailId = randomUUID();
    const name = keyId(keys[0]);
    const token = oneTimeToken(keys, mailId, name);
    await insertLink(tx, { tokenHash: tokenHash(token), browserHash: tokenHash(browser), email });
    await queueMail(tx, { kind: 'sign_in', id: mailId, recipient: email, keyId: name });
    await audit(tx, { who: email, what: 'link_asked' });
    return { mailId, token };
  });
}

/**
 * Uses a link, once, and opens a session.
 * @returns the value of its cookie; null when the link is not good here and now, which the log explains.
 */
export async function signIn(
  db: Connection,
  { token, browser, editors }: { token: string; browser: string | undefined; editors: readonly Editor[] },
): Promise<string | null> {
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
              : browser === undefined || tokenHash(browser) !== link.browserHash
                ? 'another browser'
                : null;
    if (link === undefined || why !== null) {
      await auditRefusal(tx, { who: link?.email ?? null, what: 'link_refused', details: { why } });
      return null;
    }
    await updateLinkUsed(tx, hash);
    const cookie = randomBytes(32).toString('base64url');
    await insertSession(tx, tokenHash(cookie), link.email);
    await audit(tx, { who: link.email, what: 'signed_in' });
    return cookie;
  });
}

export interface Session {
  editor: Editor;
  hash: string;
}

/** The session behind a cookie, alive and of somebody who is an editor today. */
export async function sessionOf(
  db: Connection,
  cookie: string,
  editors: readonly Editor[],
): Promise<Session | undefined> {
  const hash = tokenHash(cookie);
  const row = await selectSession(db, hash);
  const editor = editors.find(({ email }) => email === row?.email);
  if (row === undefined || editor === undefined) return undefined;
  // Its own clock is the one thing that reading moves.
  if (row.stale) await touchSession(db, hash);
  return { editor, hash };
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
