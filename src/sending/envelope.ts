import { createHash } from 'node:crypto';
import { type BatchRequest, LAYOUT, type Segments, type Variant } from '../providers/port.ts';
import { compile, escapeAttribute } from '../render/personalise.ts';
import { type Keys, signerOfAll } from '../subscribers/tokens.ts';
import { listId } from './list-id.ts';

/**
 * The fields that every message of an issue shares. Stored with the issue when it is prepared, so that a retry
 * after a change of settings or a key rotation produces the same bytes (I5).
 */
export interface Envelope {
  from: string;
  replyTo: string;
  newsletterName: string;
  /** Absolute, no trailing slash. */
  publicUrl: string;
  /** Id of the key that signs the links. */
  keyId: string;
}

/** A delivery with the fields that its batch froze. */
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

/** A variant ready to send: compiled once, used for each of its batches. */
export interface SendableVariant {
  variant: Variant;
  publicUrl: string;
  keyId: string;
  /** Hash over all fields that its messages share. */
  hash: string;
}

/** Header fields of RFC 2369, 2919 and 8058, plus Gmail's Feedback-ID. */
function listHeaders({ slug, number, envelope }: IssueMeta, idOf = listId): Record<string, Segments> {
  const address = /<([^>]+)>$/.exec(envelope.from)?.[1] ?? envelope.from;
  const owner = /<([^>]+)>$/.exec(envelope.replyTo)?.[1] ?? envelope.replyTo;
  const domainOf = (mailbox: string) => mailbox.slice(mailbox.lastIndexOf('@') + 1);
  const constant = (value: string): Segments => ({ literals: [value], slots: [] });
  return {
    // HTTPS first, because the order is the preference (RFC 2369 §2). The mailto carries its token in the local part
    // (58 of 63 characters), because Outlook drops the subject.
    'List-Unsubscribe': {
      literals: ['<', '>, <mailto:u+', `@${domainOf(owner)}>`],
      slots: ['unsubscribe', 'token'],
    },
    'List-Unsubscribe-Post': constant('List-Unsubscribe=One-Click'),
    'List-Id': constant(idOf(envelope.newsletterName, domainOf(address))),
    'List-Help': constant(`<${envelope.publicUrl}/>`),
    'List-Archive': constant(`<${envelope.publicUrl}/issues>`),
    'List-Post': constant('NO'),
    'List-Owner': constant(`<mailto:${owner}>`),
    'Feedback-ID': constant(`issue${number}:weekly:digest:weeklyverdict`),
    'X-Entity-Ref-ID': constant(slug),
  };
}

/** The further header fields, by the version of the layout. */
const HEADERS: Readonly<Record<number, (meta: IssueMeta) => Record<string, Segments>>> = {
  // A List-Id that the provider encodes whole when the name is not ASCII.
  1: (meta) => listHeaders(meta, (name, domain) => `${name.replace(/[<>]/g, '')} <digest.${domain}>`),
  2: (meta) => listHeaders(meta),
};

/**
 * Splits a rendered variant where two readers' copies differ, and hashes the shared rest once. Pure.
 * @param layout of a version that is unknown here, as after a return to an older release, is laid out as today: the
 * provider then answers a conflict if it accepted the other bytes.
 */
export function toSendable(
  meta: IssueMeta,
  rendered: { subject: string; html: string; text: string },
  layout = LAYOUT,
): SendableVariant {
  const { envelope } = meta;
  const headersOf = HEADERS[layout] ?? ((all: IssueMeta) => listHeaders(all));
  const variant: Variant = {
    issue: meta.slug,
    from: envelope.from,
    replyTo: envelope.replyTo,
    subject: rendered.subject,
    ...compile(rendered),
    headers: headersOf(meta),
  };
  // JSON marks where one text ends and the next begins, so that it is part of the hash.
  const hash = createHash('sha256').update(JSON.stringify(variant)).digest('base64url');
  return { variant: { ...variant, layout }, publicUrl: envelope.publicUrl, keyId: envelope.keyId, hash };
}

/**
 * Builds the request for one batch, without its key. Pure and deterministic (no clock, no random values), so that a
 * batch can be rebuilt byte for byte after a crash. The hash is over the inputs that determine the bytes, not over
 * the bytes: the variant's hash, and each member's own values.
 */
export function buildBatch(
  { variant, publicUrl, keyId, hash: variantHash }: SendableVariant,
  batchId: string,
  members: Member[],
  keys: Keys,
): Omit<BatchRequest, 'key'> {
  const tokensOf = signerOfAll(keys, keyId);
  let hashInput = JSON.stringify([variantHash, batchId, publicUrl]);

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
    hashInput += JSON.stringify([deliveryId, email, unsubscribe, preferences, vote]);
    return { deliveryId, to: email, values, htmlValues };
  });
  const payloadHash = createHash('sha256').update(hashInput).digest('base64url');
  return { payloadHash, batchId, variant, copies };
}
