/**
 * The port to a mail provider, as delivery needs it. A provider takes up to 100 messages under one
 * key at once, and answers the same key with the same answer, without mailing again.
 */
export interface Mailer {
  /** Where mail goes, for people: "the outbox in ./var/outbox (nothing leaves this machine)". */
  readonly destination: string;
  submit(batch: BatchRequest): Promise<Outcome>;
  /** One mail to one person, under a key that keeps the same promise; `accepted` has one item. */
  send(mail: SingleMail, key: string): Promise<Outcome>;
  /**
   * What became of an earlier submit under `key`, if the provider can tell: its answer, or
   * `'unknown-key'` when it certainly never accepted it. A provider that keeps no such record has no
   * `recall`.
   */
  recall?(key: string): Promise<ItemOutcome[] | 'unknown-key'>;
}

export interface BatchRequest {
  /** Idempotency key, at most 256 characters. */
  key: string;
  /** sha256 over the exact messages: the same key with other bytes is a conflict. */
  payloadHash: string;
  messages: Message[];
}

export interface Message {
  /** Comes back in every event of the provider, as a tag. */
  deliveryId: string;
  issue: string;
  from: string;
  to: string;
  replyTo: string;
  subject: string;
  html: string;
  text: string;
  /** Further header fields, in order. */
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
  /** Definitely not accepted; try again after `ms`. */
  | { kind: 'retryAfter'; ms: number }
  /** Perhaps accepted. The same bytes under the same key bring the answer, unless `final`. */
  | { kind: 'ambiguous'; reason: string; final: boolean }
  /** Definitely not accepted, and nothing will be until a person mends the account. */
  | { kind: 'halt'; reason: string };
