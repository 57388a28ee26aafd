import { createHmac, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from './faults.ts';

/**
 * Events, signed as Svix signs them for Resend and posted at least once, in any order: until the receiver answers 2xx,
 * each is tried again after the next of the delays.
 */
export interface WebhookOptions {
  url: string;
  /** `whsec_…`; several while a secret is being rotated: each signs. */
  secrets: readonly string[];
  /** Milliseconds before each attempt. Default: Resend's own schedule, of 27 hours. */
  schedule?: readonly number[];
  /** At most this many at once. */
  concurrency?: number;
  /** The longest wait for an answer. */
  timeoutMs?: number;
  /** Repeats a share of the events and posts them in an order determined by the seed. */
  disorder?: { seed: number; duplicates: number };
}

const SCHEDULE_MS = [0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

export interface ProviderEvent {
  type: string;
  /** ISO 8601 */
  created_at: string;
  data: Record<string, unknown>;
}

/** One event that is being posted. */
interface Posting {
  id: string;
  body: string;
  attempt: number;
}

/** The headers of a post, for tests that post by themselves. @param timestamp seconds since 1970. */
export function signHeaders(
  body: string | Buffer,
  { id, timestamp, secrets }: { id: string; timestamp: number; secrets: readonly string[] },
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/u, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  });
  return {
    'content-type': 'application/json',
    'user-agent': 'Svix-Webhooks/1.62',
    'svix-id': id,
    'svix-timestamp': String(timestamp),
    'svix-signature': signatures.join(' '),
  };
}

export class Webhooks implements AsyncDisposable {
  /** Posts answered with 2xx, all others, and events that were given up. */
  readonly counts = { delivered: 0, failed: 0, abandoned: 0 };
  #options: WebhookOptions | null;
  #draw: () => number = () => 0;
  readonly #queue: Posting[] = [];
  readonly #stopped = new AbortController();
  #head = 0;
  #open = 0;
  #waiting = 0;
  #held = false;
  #idle: (() => void)[] = [];

  constructor(options: WebhookOptions | null) {
    this.#options = options;
    // Every event that waits for its next attempt adds a listener.
    setMaxListeners(0, this.#stopped.signal);
    this.#reseed();
  }

  /** Sends events to this URL from now on; `null`: nowhere. */
  configure(options: WebhookOptions | null): void {
    this.#options = options;
    this.#reseed();
    this.#pump();
  }

  /** Queues an event. @returns its id, the same for every copy; null when there is no receiver. */
  emit(event: ProviderEvent): string | null {
    if (this.#options === null || this.#stopped.signal.aborted) return null;
    const posting = {
      id: `msg_${randomUUID().replaceAll('-', '')}`,
      body: JSON.stringify(event),
      attempt: 0,
    };
    const { disorder } = this.#options;
    const copies = disorder !== undefined && this.#draw() < disorder.duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) this.#enqueue({ ...posting });
    this.#pump();
    return posting.id;
  }

  /** Posts nothing until {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#pump();
  }

  get pending(): number {
    return this.#queue.length - this.#head + this.#open + this.#waiting;
  }

  /** Resolves when every event was accepted or given up. */
  async idle(): Promise<void> {
    if (this.pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#queue.length = 0;
    this.#head = 0;
    this.#settle();
    await this.idle();
  }

  #reseed(): void {
    this.#draw = seeded(this.#options?.disorder?.seed ?? 0);
  }

  #enqueue(posting: Posting): void {
    const last = this.#queue.push(posting) - 1;
    if (this.#options?.disorder === undefined) return;
    // An event changes places with a waiting one: an incremental shuffle.
    const other = this.#head + Math.floor(this.#draw() * (last + 1 - this.#head));
    const moved = this.#queue[other];
    if (moved !== undefined) this.#queue[last] = moved;
    this.#queue[other] = posting;
  }

  #pump(): void {
    const { concurrency = 8 } = this.#options ?? {};
    while (!this.#held && this.#options !== null && this.#open < concurrency) {
      const posting = this.#queue[this.#head];
      if (posting === undefined) break;
      this.#head += 1;
      this.#open += 1;
      void this.#attempt(posting, this.#options);
    }
    if (this.#head > 1_000 || this.#head === this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }

  async #attempt(posting: Posting, options: WebhookOptions): Promise<void> {
    const taken = await this.#post(posting, options);
    this.#open -= 1;
    if (taken) this.counts.delivered += 1;
    else if (!this.#stopped.signal.aborted) {
      this.counts.failed += 1;
      void this.#later({ ...posting, attempt: posting.attempt + 1 }, options);
    }
    this.#pump();
    this.#settle();
  }

  async #later(posting: Posting, { schedule = SCHEDULE_MS }: WebhookOptions): Promise<void> {
    const delay = schedule[posting.attempt];
    if (delay === undefined) {
      this.counts.abandoned += 1;
      return;
    }
    this.#waiting += 1;
    const slept = await sleep(delay, true, { signal: this.#stopped.signal, ref: false }).catch(() => false);
    this.#waiting -= 1;
    if (slept) {
      this.#enqueue(posting);
      this.#pump();
    }
    this.#settle();
  }

  async #post({ id, body }: Posting, { url, secrets, timeoutMs = 15_000 }: WebhookOptions): Promise<boolean> {
    const timestamp = Math.floor(Date.now() / 1_000);
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: signHeaders(body, { id, timestamp, secrets }),
        redirect: 'manual',
        signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  #settle(): void {
    if (this.pending > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
