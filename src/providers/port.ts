import type { IncomingHttpHeaders } from 'node:http';
import type { EventKind } from '../platform/db/schema.ts';

/**
 * The port to a mail provider, as delivery needs it. A provider takes up to 100 messages under one
 * key at once, and answers the same key with the same answer, without mailing again.
 */
export interface Mailer {
  /** Where mail goes, for people: "the outbox in ./var/outbox (nothing leaves this machine)". */
  readonly destination: string;
  /** @param signal ends the wait for an answer, not what the provider does: then it is `ambiguous`. */
  submit(batch: BatchRequest, signal?: AbortSignal): Promise<Outcome>;
  /** One mail to one person, under a key that keeps the same promise; `accepted` has one item. */
  send(mail: SingleMail, key: string, signal?: AbortSignal): Promise<Outcome>;
  /**
   * What became of an earlier submit under `key`, if the provider can tell: its answer, or
   * `'unknown-key'` when it never accepted it and from now on never will, whoever still holds the
   * request. A provider that cannot promise that has no `recall`.
   */
  recall?(key: string, issue: string): Promise<ItemOutcome[] | 'unknown-key'>;
}

/**
 * Hours after which nobody asks again under the same key. Resend forgets keys after 24 h, and would then mail a second
 * time.
 */
export const REPLAY_HOURS = 20;

/**
 * Messages of one variant. Its long texts are never put together here: an adapter writes the pieces
 * where they are wanted, or asks {@link messagesOf} for whole messages.
 */
export interface BatchRequest {
  /** Idempotency key, at most 256 characters. */
  key: string;
  /** Over all that determines the messages: the same key with other bytes is a conflict. */
  payloadHash: string;
  /** Comes back in every event of the provider, as do the issue and the delivery. */
  batchId: string;
  /** One object for all batches of a variant, so that an adapter can keep what it made of it. */
  variant: Variant;
  copies: Copy[];
}

/** What the messages of a variant have in common, cut at what differs. */
export interface Variant {
  /** The issue's slug. */
  issue: string;
  from: string;
  replyTo: string;
  subject: string;
  html: Segments;
  text: Segments;
  /** Further header fields, in order. */
  headers: Record<string, Segments>;
}

/** `literals[0] value(slots[0]) literals[1] … literals[n]`; always one literal more than slots. */
export interface Segments {
  readonly literals: readonly string[];
  readonly slots: readonly string[];
}

/** What is one reader's own. */
export interface Copy {
  deliveryId: string;
  to: string;
  /** By slot, for the text and the header fields. */
  values: Record<string, string>;
  /** The same, escaped for html. */
  htmlValues: Record<string, string>;
}

/** One message of a batch, whole. */
export interface Message {
  deliveryId: string;
  issue: string;
  from: string;
  to: string;
  replyTo: string;
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

/** A transactional mail. */
export interface SingleMail {
  /** Comes back in every event of the provider, as a tag. */
  mailId: string;
  kind: string;
  from: string;
  to: string;
  replyTo: string;
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

/** In the order of the messages. */
export type ItemOutcome = { accepted: string } | { rejected: string };

export type Outcome =
  | { kind: 'accepted'; items: ItemOutcome[] }
  /** Definitely not accepted, none of them. */
  | { kind: 'rejected'; reason: string }
  /** Definitely not accepted, none of them; smaller batches under other keys may be. */
  | { kind: 'split'; reason: string }
  /** Definitely not accepted: there was nobody to ask. */
  | { kind: 'unreachable'; reason: string }
  /** Definitely not accepted; try again after `ms`. */
  | { kind: 'retryAfter'; ms: number }
  /**
   * Perhaps accepted. The same bytes under the same key bring the answer, unless `final`. `isBusy`: it is there, and at
   * work on just that.
   */
  | { kind: 'ambiguous'; reason: string; final: boolean; isBusy?: true }
  /** Definitely not accepted, and nothing will be until a person mends the account. */
  | { kind: 'halt'; reason: string };

/** The messages of a batch as whole strings: for an adapter that wants files, and for looking at. */
export function messagesOf({ variant, copies }: Pick<BatchRequest, 'variant' | 'copies'>): Message[] {
  const { issue, from, replyTo, subject } = variant;
  return copies.map(({ deliveryId, to, values, htmlValues }) => ({
    deliveryId,
    issue,
    from,
    to,
    replyTo,
    subject,
    html: fill(variant.html, htmlValues),
    text: fill(variant.text, values),
    headers: Object.fromEntries(
      Object.entries(variant.headers).map(([name, value]) => [name, fill(value, values)]),
    ),
  }));
}

function fill({ literals, slots }: Segments, values: Record<string, string>): string {
  let whole = literals[0] ?? '';
  for (const [index, slot] of slots.entries()) whole += (values[slot] ?? '') + (literals[index + 1] ?? '');
  return whole;
}

/** Something the provider told us later, read and stripped of what is not ours to keep. */
export interface ProviderEvent {
  /** The provider's id of the event; telling it again brings the same one. */
  id: string;
  /** As the provider calls it. */
  type: string;
  kind: EventKind;
  /** When it happened, by the provider's clock. */
  at: Date;
  /** From the tags of the message. */
  deliveryId: string | null;
  mailId: string | null;
  /** The provider's id of the message. */
  providerId: string | null;
  /** Of a bounce or a failure, in the provider's words: classes, never an address. */
  reason: string | null;
  /** What was clicked, without tokens. */
  link: string | null;
  isScanner: boolean;
}

/** An event as it comes in. */
export interface ReceivedEvent extends ProviderEvent {
  /** The address that it is about, where it does not say which message of ours; it is not stored. */
  email: string | null;
}

/** How a provider tells us what became of our mail: it posts to us. */
export interface Webhook {
  /** Where it posts to: `/webhooks/resend`. */
  path: string;
  /**
   * @param body the bytes as they came: a signature is over them.
   * @returns null for a post that the provider did not sign, or not now.
   */
  read(headers: IncomingHttpHeaders, body: Buffer): ReceivedEvent | null;
}

/**
 * A provider as the app opens it. To add one, write a folder that returns this, name it in `src/app/app.ts`, and run
 * `test/conformance/mailer.ts` on its mailer.
 */
export interface Provider {
  mailer: Mailer & Partial<AsyncDisposable>;
  /** Whether this process has what it takes to send; one that has not leaves it to the workers. */
  canSend: boolean;
  /** Requests a second that it takes from us; null: as many as there are. */
  rate: number | null;
  /** How it reports what became of mail; null where it reports nothing. */
  webhook: Webhook | null;
  /** Where its mail can be browsed on this machine; null when mail leaves the machine. */
  browsable: string | null;
}
