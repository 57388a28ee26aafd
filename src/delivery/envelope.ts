import { createHash } from 'node:crypto';
import type { Message } from '../mailer/index.ts';
import { type CompiledVariant, personalise } from '../render/index.ts';
import { type Keys, signer } from '../subscribers/index.ts';

/**
 * What every message of an issue has in common. Stored with the issue when it is prepared: a retry
 * after a change of settings or a rotation of keys still prints the same bytes (I5).
 */
export interface Envelope {
  from: string;
  replyTo: string;
  newsletterName: string;
  /** Absolute, no trailing slash. */
  publicUrl: string;
  /** Which key signs the links. */
  keyId: string;
}

/** A delivery as its batch froze it. */
export interface Member {
  deliveryId: string;
  subscriberId: string;
  email: string;
  tokenVersion: number;
}

export interface IssueStamp {
  slug: string;
  number: number;
  envelope: Envelope;
}

/** Header fields of RFC 2369, 2919 and 8058 that are the same for everybody, plus Gmail's Feedback-ID. */
function listHeaders({ slug, number, envelope }: IssueStamp): Record<string, string> {
  const address = /<([^>]+)>$/.exec(envelope.from)?.[1] ?? envelope.from;
  const owner = /<([^>]+)>$/.exec(envelope.replyTo)?.[1] ?? envelope.replyTo;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return {
    'List-Id': `${envelope.newsletterName.replace(/[<>]/g, '')} <digest.${domain}>`,
    'List-Help': `<${envelope.publicUrl}/>`,
    'List-Archive': `<${envelope.publicUrl}/issues>`,
    'List-Post': 'NO',
    'List-Owner': `<mailto:${owner}>`,
    'Feedback-ID': `issue${number}:weekly:digest:weeklyverdict`,
    'X-Entity-Ref-ID': slug,
  };
}

/**
 * One member's messages, and the hash of exactly these bytes. Pure and deterministic: no clock, no
 * chance, so that a batch found after a crash is built again byte for byte.
 */
export function buildMessages(
  stamp: IssueStamp,
  variant: { subject: string; compiled: CompiledVariant },
  members: Member[],
  keys: Keys,
): { messages: Message[]; payloadHash: string } {
  const { envelope } = stamp;
  const common = listHeaders(stamp);
  const unsubscribeToken = signer(keys, 'unsubscribe', envelope.keyId);
  const preferencesToken = signer(keys, 'preferences', envelope.keyId);
  const replyDomain = (common['List-Owner'] ?? '').replace(/^.*@|>$/g, '');
  const hash = createHash('sha256');

  const messages = members.map((member): Message => {
    const claim = { subscriberId: member.subscriberId, version: member.tokenVersion };
    const token = unsubscribeToken(claim);
    const unsubscribe = `${envelope.publicUrl}/unsubscribe/${token}`;
    const preferences = `${envelope.publicUrl}/preferences/${preferencesToken(claim)}`;
    const { html, text } = personalise(variant.compiled, { unsubscribe, preferences });
    const headers = {
      // HTTPS first: order is preference (RFC 2369 §2). The mailto carries its token in the local
      // part, 58 of 63 characters, because Outlook drops the subject.
      'List-Unsubscribe': `<${unsubscribe}>, <mailto:u+${token}@${replyDomain}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      ...common,
    };
    const message: Message = {
      deliveryId: member.deliveryId,
      issue: stamp.slug,
      from: envelope.from,
      to: member.email,
      replyTo: envelope.replyTo,
      subject: variant.subject,
      html,
      text,
      headers,
    };
    hash.update(
      JSON.stringify([
        message.deliveryId,
        message.from,
        message.to,
        message.replyTo,
        message.subject,
        headers,
        // Where one body ends and the other begins is part of the bytes.
        html.length,
        text.length,
      ]),
    );
    hash.update(html);
    hash.update(text);
    return message;
  });
  return { messages, payloadHash: hash.digest('base64url') };
}
