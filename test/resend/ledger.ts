import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { addressOf, type Tag, type WireEmail } from './contract.ts';

/**
 * The record of the messages that were really accepted, whatever was answered. A test may ask it who got how many
 * copies, and of which delivery; nothing else in this folder can change its content.
 */

/** One accepted message. */
export interface Accepted {
  id: string;
  /** Idempotency key of its request. */
  key: string | null;
  /** Index in the request, from 0. */
  position: number;
  /** The first recipient, lower case, without a name. */
  to: string;
  /** Further recipients, of whatever kind. */
  others: string[];
  /** The sender's own id: its tag `delivery`. */
  deliveryId: string | null;
  tags: Tag[];
  from: string;
  subject: string;
  /** sha256 over html, a zero byte, text. */
  sha256: string;
  /** ISO 8601: when its request arrived, and when it was accepted. */
  arrivedAt: string;
  acceptedAt: string;
}

/**
 * - `full`: every message and its body, so that it can be read back;
 * - `messages`: every message, no body;
 * - `recipients`: a count per address; a request is scanned and not parsed, so that a flood costs little.
 */
export type Recording = 'full' | 'messages' | 'recipients';

/** The stored state of an idempotency key. */
export interface Remembered {
  /** sha256 over the exact bytes of the request. */
  fingerprint: string;
  /** Milliseconds since 1970. */
  at: number;
  answer: Answered;
}

/** One refused message of a request that was otherwise accepted. */
export interface Refused {
  key: string | null;
  position: number;
  /** As given. */
  to: string;
  message: string;
}

/** The data from which the answer of a request is made again: its ids follow from the seed and the index. */
export interface Answered {
  single: boolean;
  seed: string;
  count: number;
  /** Present in permissive mode, also when empty. */
  errors?: { index: number; message: string }[];
}

/** The id of the n-th message that was created by a request. */
export const idOf = (seed: string, n: number) => seed.slice(0, 24) + n.toString(16).padStart(12, '0');

const KEY_LIVES_MS = 24 * 3_600_000;

export class Ledger {
  readonly #recording: Recording;
  readonly #file: string | undefined;
  readonly #copies = new Map<string, number>();
  readonly #keys = new Map<string, Remembered>();
  readonly #messages = new Map<string, Accepted>();
  readonly #bodies = new Map<string, WireEmail>();
  /** Of this process only. */
  readonly refused: Refused[] = [];
  /** Copies, over all recipients. */
  total = 0;

  constructor(recording: Recording, file?: string) {
    this.#recording = recording;
    this.#file = file;
    if (file === undefined || !existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line === '') continue;
      const { scope, remembered, messages } = JSON.parse(line) as Line;
      if (scope !== null) this.#keys.set(scope, remembered);
      for (const message of messages) this.#take(message);
    }
  }

  /** All messages of one request at once, before its answer. */
  accept(scope: string | null, remembered: Remembered, messages: Accepted[], bodies: WireEmail[]): void {
    if (scope !== null) this.#keys.set(scope, remembered);
    for (const message of messages) this.#take(message);
    if (this.#recording === 'full') {
      for (const [index, body] of bodies.entries()) this.#bodies.set(messages[index]?.id ?? '', body);
    }
    if (this.#file === undefined) return;
    const line: Line = { scope, remembered, messages };
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  /** For a request that was only scanned. */
  count(scope: string | null, remembered: Remembered, recipients: Iterable<string>): void {
    if (scope !== null) this.#keys.set(scope, remembered);
    for (const to of recipients) this.#tally(to);
  }

  /** The request of a key, unless it expired. */
  remembered(scope: string, now: number): Remembered | undefined {
    const found = this.#keys.get(scope);
    if (found === undefined || now - found.at < KEY_LIVES_MS) return found;
    this.#keys.delete(scope);
    return undefined;
  }

  messages(): Accepted[] {
    return [...this.#messages.values()];
  }

  message(id: string): Accepted | undefined {
    return this.#messages.get(id);
  }

  body(id: string): WireEmail | undefined {
    return this.#bodies.get(id);
  }

  copies(to: string): number {
    return this.#copies.get(addressOf(to) ?? to) ?? 0;
  }

  #take(message: Accepted): void {
    for (const to of [message.to, ...message.others]) this.#tally(to);
    if (this.#recording !== 'recipients') this.#messages.set(message.id, message);
  }

  #tally(to: string): void {
    this.total += 1;
    this.#copies.set(to, (this.#copies.get(to) ?? 0) + 1);
  }
}

interface Line {
  scope: string | null;
  remembered: Remembered;
  messages: Accepted[];
}

/**
 * Finds the recipients of a compact JSON body without parsing it. Inside a JSON string a quote always follows a
 * backslash, so `,"to":` is never a part of one.
 * @returns undefined when the body is formatted differently, and must be parsed.
 */
export function scanRecipients(body: Buffer): string[] | undefined {
  const recipients: string[] = [];
  const count = (at: number) => {
    const list = body[at] === OPEN;
    const start = at + (list ? 2 : 1);
    const end = body.indexOf(QUOTE, start);
    if (body[start - 1] !== QUOTE || end < 0 || (list && body[end + 1] !== CLOSE)) return false;
    const mailbox = body.toString('utf8', start, end);
    if (mailbox.includes('\\')) return false;
    recipients.push(addressOf(mailbox) ?? mailbox);
    return true;
  };
  for (const mark of [MARK, FIRST]) {
    for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
      if (!count(at + mark.length)) return undefined;
    }
  }
  return recipients.length > 0 ? recipients : undefined;
}

const MARK = Buffer.from(',"to":');
const FIRST = Buffer.from('{"to":');
const QUOTE = 0x22;
const OPEN = 0x5b;
const CLOSE = 0x5d;
