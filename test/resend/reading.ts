import type { Aftermath } from './aftermath.ts';
import { json, notAllowed, type Reply } from './answers.ts';
import { refusal } from './contract.ts';
import type { Accepted, Ledger } from './ledger.ts';
import { LAST_EVENT } from './outcomes.ts';
import { page } from './suppressions.ts';

const EMAIL = /^\/emails\/([0-9a-f-]{36})$/u;

/** Answers requests for sent messages: one message, or a page of all. @returns undefined for another path. */
export function readEmails(
  method: string,
  url: URL,
  ledger: Ledger,
  aftermath: Aftermath,
): Reply | undefined {
  /** In Resend's format. */
  const shown = (message: Accepted) => {
    const email = ledger.body(message.id);
    return {
      id: message.id,
      message_id: `<${message.id}@resend.local>`,
      from: message.from,
      to: email?.to ?? [message.to],
      cc: email?.cc ?? null,
      bcc: email?.bcc ?? null,
      reply_to: email?.reply_to ?? null,
      subject: message.subject,
      created_at: message.acceptedAt,
      scheduled_at: email?.scheduled_at ?? null,
      topic_id: email?.topic_id ?? null,
      last_event: email?.scheduled_at ? 'scheduled' : LAST_EVENT[aftermath.fateOf(message.to)],
    };
  };

  const [, id] = EMAIL.exec(url.pathname) ?? [];
  if (id !== undefined) {
    if (method !== 'GET') return notAllowed;
    const message = ledger.message(id);
    if (message === undefined) return json(refusal(404, 'not_found', 'Email not found'));
    const { html = null, text = null } = ledger.body(id) ?? {};
    const whole = { object: 'email', ...shown(message), html, text, tags: message.tags };
    return { status: 200, body: JSON.stringify(whole) };
  }
  if (url.pathname !== '/emails') return undefined;
  const rows = page(ledger.messages().reverse(), url.searchParams);
  return { status: 200, body: JSON.stringify({ ...rows, data: rows.data.map(shown) }) };
}
