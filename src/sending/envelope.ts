import { createHash } from 'node:crypto';
import type { BatchRequest, Segments, Variant } from '../providers/port.ts';
import { compile, escapeAttribute } from '../render/personalise.ts';
import { type Keys, signerOfAll } from '../subscribers/tokens.ts';

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

export interface IssueMeta {
  slug: string;
  number: number;
  envelope: Envelope;
}

/** A variant ready to be sent: made once, used for every batch of it. */
export interface SendableVariant {
  variant: Variant;
  publicUrl: string;
  keyId: string;
  /** Over all that its messages have in common. */
  hash: string;
}

/** Header fields of RFC 2369, 2919 and 8058, plus Gmail's Feedback-ID. */
function listHeaders({ slug, number, envelope }: IssueMeta): Record<string, Segments> {
  const address = /<([^>]+)>$/.exec(envelope.from)?.[1] ?? envelope.from;
  const owner = /<([^>]+)>$/.exec(envelope.replyTo)?.[1] ?? envelope.replyTo;
  const domainOf = (mailbox: string) => mailbox.slice(mailbox.lastIndexOf('@') + 1);
  const same = (value: string): Segments => ({ literals: [value], slots: [] });
  return {
    // HTTPS first: order is preference (RFC 2369 §2). The mailto carries its token in the local
    // part, 58 of 63 characters, because Outlook drops the subject.
    'List-Unsubscribe': {
      literals: ['<', '>, <mailto:u+', `@${domainOf(owner)}>`],
      slots: ['unsubscribe', 'token'],
    },
    'List-Unsubscribe-Post': same('List-Unsubscribe=One-Click'),
    'List-Id': same(`${envelope.newsletterName.replace(/[<>]/g, '')} <digest.${domainOf(address)}>`),
    'List-Help': same(`<${envelope.publicUrl}/>`),
    'List-Archive': same(`<${envelope.publicUrl}/issues>`),
    'List-Post': same('NO'),
    'List-Owner': same(`<mailto:${owner}>`),
    'Feedback-ID': same(`issue${number}:weekly:digest:weeklyverdict`),
    'X-Entity-Ref-ID': same(slug),
  };
}

/** Cuts a rendered variant at what differs between two readers, and hashes all the rest, once. Pure. */
export function sendable(
  stamp: IssueMeta,
  rendered: { subject: string; html: string; text: string },
): SendableVariant {
  const { envelope } = stamp;
  const variant: Variant = {
    issue: stamp.slug,
    from: envelope.from,
    replyTo: envelope.replyTo,
    subject: rendered.subject,
    ...compile(rendered),
    headers: listHeaders(stamp),
  };
  // JSON tells where one text ends and the next begins, which is part of the bytes.
  const hash = createHash('sha256').update(JSON.stringify(variant)).digest('base64url');
  return { variant, publicUrl: envelope.publicUrl, keyId: envelope.keyId, hash };
}

/**
 * The request for one batch, but for its key. Pure and deterministic: no clock, no chance, so that a
 * batch found after a crash is built again byte for byte. The hash is over what determines the bytes,
 * not over the bytes: the variant's own hash, and all that is a member's own.
 */
export function buildBatch(
  { variant, publicUrl, keyId, hash: variantHash }: SendableVariant,
  batchId: string,
  members: Member[],
  keys: Keys,
): Omit<BatchRequest, 'key'> {
  const tokensOf = signerOfAll(keys, keyId);
  let printed = JSON.stringify([variantHash, batchId, publicUrl]);

  const copies = members.map(({ deliveryId, subscriberId, email, tokenVersion }) => {
    const { unsubscribe, preferences, vote } = tokensOf({ subscriberId, version: tokenVersion });
    const values = {
      unsubscribe: `${publicUrl}/unsubscribe/${unsubscribe}`,
      preferences: `${publicUrl}/preferences/${preferences}`,
      vote: `${publicUrl}/vote/${vote}`,
      token: unsubscribe,
    };
    const htmlValues = {
      unsubscribe: escapeAttribute(values.unsubscribe),
      preferences: escapeAttribute(values.preferences),
      vote: escapeAttribute(values.vote),
    };
    printed += JSON.stringify([deliveryId, email, unsubscribe, preferences, vote]);
    return { deliveryId, to: email, values, htmlValues };
  });
  const payloadHash = createHash('sha256').update(printed).digest('base64url');
  return { payloadHash, batchId, variant, copies };
}
