import type { Connection } from '../../platform/db/database.ts';
import {
  checkCircuit,
  countFailure,
  PROBE_MS,
  resetFailures,
} from '../../providers/circuit/circuit-store.ts';
import { isResponse } from '../../providers/circuit/is-response.ts';
import type { Mailer, Outcome, SingleMail } from '../../providers/port.ts';
import { renderTransactional } from '../../render/render-variant.ts';
import { confirmText } from '../../subscribers/sign-up/consent.ts';
import { recordConfirmSent } from '../../subscribers/sign-up/sign-up-store.ts';
import { suppressionCause } from '../../subscribers/suppression.ts';
import type { Keys } from '../../subscribers/tokens.ts';
import { refusedKeysAmong } from '../../transactional/requests/request-store.ts';
import {
  type ClaimedMail,
  claimMail,
  closeMail,
  releaseMail,
  returnMail,
} from '../../transactional/transactional-store.ts';
import { type EmailContext, TRANSACTIONAL_EMAILS } from './transactional-emails.ts';

/**
 * How long a worker may hold one email: longer than the provider's slowest response, and short enough for somebody
 * who waits for a confirm mail.
 */
const LEASE_MS = 60_000;

export interface TransactionalSettings {
  /** The sender address. Not that of issues, because providers rate the two separately. */
  from: string;
  replyTo: string;
  newsletter: EmailContext['newsletter'];
}

export type MailResult =
  /** It was sent or closed, or another worker holds it. */
  | { kind: 'done' }
  /**
   * Every worker has to wait: the provider asks for it, or several requests in a row had no response (then with the
   * reason).
   */
  | { kind: 'wait'; ms: number; reason?: string }
  /** Not sent, or no response; it must be tried again. */
  | { kind: 'again'; reason: string };

export type MailSender = (mailId: string) => Promise<MailResult>;

/**
 * Returns the function that sends one transactional email: claim, one request, record. Its bytes depend on its row
 * and nothing else, so a replay after a crash sends the same bytes under the same key. Issues and transactional
 * emails share one circuit: when the provider does not respond, both wait, and either may probe it.
 */
export function createMailSender(
  db: Connection,
  mailer: Mailer,
  keys: Keys,
  settings: TransactionalSettings,
): MailSender {
  return async (mailId) => {
    const mail = await claimMail(db, mailId, LEASE_MS);
    if (mail === undefined) return { kind: 'done' };
    const end = async (status: 'dropped' | 'failed' | 'uncertain', reason: string): Promise<MailResult> => {
      await closeMail(db, mail, { status, reason });
      return { kind: 'done' };
    };
    if (!(mail.kind in TRANSACTIONAL_EMAILS)) {
      // A newer version of this program queued it, and its workers can send it.
      await returnMail(db, mail);
      return { kind: 'again', reason: `this version has no mail of the kind ${mail.kind}` };
    }
    if (isSuppressed(mail)) return await end('dropped', 'the address is suppressed');
    if (await isRefused(db, mail)) return await end('dropped', 'its owner asked never to be mailed');
    const { write, isHarmlessTwice = false } = TRANSACTIONAL_EMAILS[mail.kind];
    if (mail.forgotten && !isHarmlessTwice)
      return await end('uncertain', 'the provider may have forgotten its key');

    const email = await write(mail, { db, keys, newsletter: settings.newsletter });
    if (email === null) return await end('dropped', 'it is not true any more');
    const may = await checkCircuit(db, LEASE_MS);
    if (may === 'no') {
      await returnMail(db, mail);
      return { kind: 'wait', ms: PROBE_MS };
    }
    const { html, text } = 'html' in email ? email : await renderTransactional(email);
    const single: SingleMail = {
      mailId: mail.id,
      kind: mail.kind,
      from: 'from' in email ? email.from : settings.from,
      to: mail.to,
      replyTo: settings.replyTo,
      subject: email.subject,
      html,
      text,
      // RFC 3834 §5: prevents out-of-office replies.
      headers: {
        'Auto-Submitted': 'auto-generated',
        'X-Entity-Ref-ID': mail.id,
        ...('unsubscribe' in email && email.unsubscribe
          ? unsubscribeHeaders(email.unsubscribe, settings.replyTo)
          : {}),
      },
    };
    const outcome = await mailer.send(single, `mail/${mail.id}`).catch(
      // An exception does not prove that the request was refused.
      (error): Outcome => ({
        kind: 'ambiguous',
        reason: error instanceof Error ? error.message : String(error),
        final: false,
      }),
    );
    return await record(db, mail, { outcome, text, isProbe: may === 'probe' });
  };
}

/**
 * Whether the subscriber is suppressed for this kind of email. After a bounce a confirm mail is still sent, because
 * its link can lift the suppression. An erased person gets the notice of the erasure, once.
 */
function isSuppressed({ kind, subscriber }: ClaimedMail): boolean {
  if (subscriber?.status !== 'suppressed' || kind === 'erased') return false;
  return kind !== 'confirm' || suppressionCause(subscriber.reason) !== 'bounced';
}

/**
 * Whether the owner of the inbox refused all mail after this email was queued; only for kinds that a stranger can
 * cause.
 */
async function isRefused(db: Connection, { kind, to }: ClaimedMail): Promise<boolean> {
  if (!TRANSACTIONAL_EMAILS[kind].canStrangersCause) return false;
  return (await refusedKeysAmong(db, [to.toLowerCase()])).length > 0;
}

async function record(
  db: Connection,
  mail: ClaimedMail,
  { outcome, text, isProbe }: { outcome: Outcome; text: string; isProbe: boolean },
): Promise<MailResult> {
  const hasResponse = isResponse(outcome);
  if (hasResponse) await resetFailures(db);
  switch (outcome.kind) {
    case 'accepted': {
      const [item] = outcome.items;
      if (item === undefined) await closeMail(db, mail, { status: 'uncertain', reason: 'no answer for it' });
      else if ('accepted' in item) await recordSent(db, mail, item.accepted, text);
      else await closeMail(db, mail, { status: 'failed', reason: item.rejected });
      return { kind: 'done' };
    }
    case 'rejected':
    case 'split':
      await closeMail(db, mail, { status: 'failed', reason: outcome.reason });
      return { kind: 'done' };
    case 'ambiguous':
      if (outcome.final) {
        await closeMail(db, mail, { status: 'uncertain', reason: outcome.reason });
        return { kind: 'done' };
      }
      await releaseMail(db, mail);
      if (hasResponse) return { kind: 'again', reason: outcome.reason };
      return await countNoResponse(db, outcome.reason, isProbe);
    case 'conflict':
      // A mail is built from its row alone, so other bytes under its key are a fault of ours.
      await closeMail(db, mail, { status: 'uncertain', reason: outcome.reason });
      return { kind: 'done' };
    case 'unreachable':
      await returnMail(db, mail);
      return await countNoResponse(db, outcome.reason, isProbe);
    case 'retryAfter':
      await returnMail(db, mail);
      return { kind: 'wait', ms: outcome.ms };
    case 'halt':
      await returnMail(db, mail);
      return { kind: 'again', reason: outcome.reason };
  }
}

/** Records the sent email. For a confirm mail its wording is stored too, because it is part of the consent. */
async function recordSent(
  db: Connection,
  mail: ClaimedMail,
  providerId: string,
  text: string,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const isOurs = await closeMail(tx, mail, { status: 'sent', providerId });
    if (!isOurs || mail.kind !== 'confirm' || mail.subscriber === null) return;
    const sent = { subscriberId: mail.subscriber.id, mailId: mail.id, providerId };
    await recordConfirmSent(tx, sent, confirmText(text));
  });
}

/**
 * Headers for unsubscribing with one click, as in an issue (RFC 8058). The mailto carries its token in the local
 * part.
 */
function unsubscribeHeaders(url: string, replyTo: string): Record<string, string> {
  const token = url.slice(url.lastIndexOf('/') + 1);
  const domain = replyTo.slice(replyTo.lastIndexOf('@') + 1).replace(/>$/, '');
  return {
    'List-Unsubscribe': `<${url}>, <mailto:u+${token}@${domain}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}

/**
 * Counts a missing response. The circuit, which counts the failures of all workers, decides how soon the email is
 * tried again.
 */
async function countNoResponse(db: Connection, reason: string, isProbe: boolean): Promise<MailResult> {
  const ms = await countFailure(db, reason, isProbe);
  return ms === null ? { kind: 'again', reason } : { kind: 'wait', ms, reason };
}
