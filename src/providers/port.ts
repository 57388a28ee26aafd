import type { IncomingHttpHeaders } from 'node:http';
import type { EventKind } from '../platform/db/schema.ts';

/**
 * The port to a mail provider, as sending needs it. A provider takes up to 100 messages under one key, and answers the
 * same key with the same answer, without mailing again.
 */
export interface Mailer {
  /** Where mail goes, for people: "the outbox in ./var/outbox (nothing leaves this machine)". */
  readonly destination: string;
  /** @param signal ends the wait for an answer, but not the provider's work: the outcome is then `ambiguous`. */
  submit(batch: BatchRequest, signal?: AbortSignal): Promise<Outcome>;
  /** Sends one mail to one person, under a key with the same guarantee; `accepted` has one item. */
  send(mail: SingleMail, key: string, signal?: AbortSignal): Promise<Outcome>;
  /**
   * The outcome of an earlier submit under `key`, if the provider can report it: its answer, or `'unknown-key'` when it
   * never accepted the key and never will from now on, even if a late worker sends the request. A provider that cannot
   * guarantee that has no `recall`.
   */
  recall?(key: string, issue: string): Promise<ItemOutcome[] | 'unknown-key'>;
}

/** Hours after which a key is not used again. Resend forgets keys after 24 h, and would then mail a second time. */
export const REPLAY_HOURS = 20;

/**
 * Messages of one variant. Its long texts are not joined here: an adapter writes the pieces into its request, or asks
 * {@link messagesOf} for whole messages.
 */
export interface BatchRequest {
  /** Idempotency key, at most 256 characters. */
  key: string;
  /** Over everything that determines the messages: the same key with other bytes is a conflict. */
  payloadHash: string;
  /** Every event of the provider returns it, with the issue and the delivery. */
  batchId: string;
  /** One object for all batches of a variant, so that an adapter can cache data by it. */
  variant: Variant;
  copies: Copy[];
}

/**
 * The version of the layout of a request's bytes. Raise it with every change of what is sent for the same rows, here, in
 * src/sending/envelope.ts and in the provider's folder, and leave the earlier layout beside the new one: a batch that
 * was begun is asked for in the layout that it began with. test/sending/layouts.test.ts pins the bytes of each.
 */
export const LAYOUT = 2;

/** What the messages of a variant have in common, split where they differ. */
export interface Variant {
  /** The version of the layout; without it: {@link LAYOUT}. */
  layout?: number;
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

/** The part of a message that belongs to one reader. */
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
  /** Every event of the provider returns it, as a tag. */
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
  /** None of them was accepted, for certain. */
  | { kind: 'rejected'; reason: string }
  /** None of them was accepted, for certain; smaller batches under other keys may be. */
  | { kind: 'split'; reason: string }
  /** Not accepted, for certain: there was no connection to the provider. */
  | { kind: 'unreachable'; reason: string }
  /** Not accepted, for certain; try again after `ms`. */
  | { kind: 'retryAfter'; ms: number }
  /**
   * Perhaps accepted. The same bytes under the same key return the answer, unless `final`. `isBusy`: the provider
   * responded, and is still processing this key.
   */
  | { kind: 'ambiguous'; reason: string; final: boolean; isBusy?: true }
  /** The key was used for other bytes: an earlier request under it was accepted, and this one was not. */
  | { kind: 'conflict'; reason: string }
  /** Not accepted, for certain, and nothing will be until a person repairs the account. */
  | { kind: 'halt'; reason: string };

/** The messages of a batch as whole strings: for an adapter that writes files, and for previews. */
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

/** An event that the provider reports later, parsed and without the data that we do not store. */
export interface ProviderEvent {
  /** The provider's id of the event; a repeated event has the same id. */
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
  /** Reason of a bounce or a failure, in the provider's words: classes, never an address. */
  reason: string | null;
  /** The clicked link, without tokens. */
  link: string | null;
  isScanner: boolean;
}

/** An event as the webhook receives it. */
export interface ReceivedEvent extends ProviderEvent {
  /** The address of the event, when it does not name a message of ours; it is not stored. */
  email: string | null;
}

/** How a provider reports what happened to our mail: it posts events to us. */
export interface Webhook {
  /** The path it posts to: `/webhooks/resend`. */
  path: string;
  /**
   * @param body the received bytes: the signature covers them.
   * @returns null when the provider did not sign the post, or signed it too long ago.
   */
  read(headers: IncomingHttpHeaders, body: Buffer): ReceivedEvent | null;
}

/**
 * A provider as the app opens it. To add one, write a folder that returns this, name it in `src/app/app.ts`, and run
 * `test/conformance/mailer.ts` on its mailer.
 */
export interface Provider {
  mailer: Mailer & Partial<AsyncDisposable>;
  /** Whether this process can send; otherwise only the workers send. */
  canSend: boolean;
  /** Requests a second that it accepts; null: no limit. */
  rate: number | null;
  /** How it reports the outcome of mail; null when it reports nothing. */
  webhook: Webhook | null;
  /** Folder in which its mail can be browsed on this machine; null when mail leaves the machine. */
  browsable: string | null;
}
