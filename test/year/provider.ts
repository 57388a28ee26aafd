import { randomUUID } from 'node:crypto';
import {
  type BatchRequest,
  type Copy,
  type ItemOutcome,
  type Mailer,
  messagesOf,
  type Outcome,
  type SingleMail,
} from '../../src/providers/port.ts';
import type { Random } from './random.ts';

/** One accepted copy of an issue. */
export interface Accepted {
  providerId: string;
  deliveryId: string;
  /** The slug. */
  issue: string;
  to: string;
  subject: string;
  from: string;
  links: { unsubscribe: string; preferences: string; vote: string };
  at: Date;
}

export interface ProviderEvents {
  onCopy(copy: Accepted): void;
  /** One message of each variant, whole. */
  onVariant(issue: string, message: { subject: string; html: string; text: string }): void;
  onMail(mail: SingleMail, at: Date): void;
}

/** Keys are remembered as long as Resend remembers them. */
const KEY_LIVES_MS = 24 * 3_600_000;

/**
 * A provider with its own record of what it accepted. A key is accepted once and gets the same answer again; sometimes
 * an answer is lost, and sometimes it does not respond at all.
 */
export class Provider implements Mailer {
  readonly destination = 'the provider of a simulated year';
  isDown = false;
  readonly #events: ProviderEvents;
  readonly #random: Random;
  readonly #lostAnswers: number;
  readonly #keys = new Map<string, { at: number; payloadHash: string; items: ItemOutcome[] }>();
  #seen = new WeakSet<object>();

  /** @param lostAnswers share of the batches whose answer is lost once. */
  constructor(events: ProviderEvents, random: Random, lostAnswers = 0.02) {
    this.#events = events;
    this.#random = random;
    this.#lostAnswers = lostAnswers;
  }

  async submit(batch: BatchRequest): Promise<Outcome> {
    if (this.isDown) return { kind: 'unreachable', reason: 'connect ECONNREFUSED' };
    const known = this.#known(batch.key);
    if (known !== undefined) {
      return known.payloadHash === batch.payloadHash
        ? { kind: 'accepted', items: known.items }
        : { kind: 'ambiguous', reason: 'other bytes under a used key', final: true };
    }
    const items = batch.copies.map((copy) => ({ accepted: this.#accept(batch, copy) }));
    this.#keys.set(batch.key, { at: Date.now(), payloadHash: batch.payloadHash, items });
    if (!this.#seen.has(batch.variant)) {
      this.#seen.add(batch.variant);
      const [message] = messagesOf({ variant: batch.variant, copies: batch.copies.slice(0, 1) });
      if (message !== undefined) this.#events.onVariant(batch.variant.issue, message);
    }
    if (this.#random.chance(this.#lostAnswers))
      return { kind: 'ambiguous', reason: 'read ECONNRESET', final: false };
    return { kind: 'accepted', items };
  }

  async send(mail: SingleMail, key: string): Promise<Outcome> {
    if (this.isDown) return { kind: 'unreachable', reason: 'connect ECONNREFUSED' };
    const known = this.#known(key);
    if (known !== undefined) return { kind: 'accepted', items: known.items };
    const items = [{ accepted: randomUUID() }];
    this.#keys.set(key, { at: Date.now(), payloadHash: '', items });
    this.#events.onMail(mail, new Date());
    return { kind: 'accepted', items };
  }

  /** Forgets expired keys, which would otherwise be kept for the whole year. */
  forget(): void {
    const oldest = Date.now() - KEY_LIVES_MS;
    for (const [key, { at }] of this.#keys) if (at < oldest) this.#keys.delete(key);
    this.#seen = new WeakSet();
  }

  #known(key: string) {
    const known = this.#keys.get(key);
    return known !== undefined && Date.now() - known.at < KEY_LIVES_MS ? known : undefined;
  }

  #accept({ variant }: BatchRequest, { deliveryId, to, values }: Copy): string {
    const providerId = randomUUID();
    const { unsubscribe = '', preferences = '', vote = '' } = values;
    this.#events.onCopy({
      providerId,
      deliveryId,
      issue: variant.issue,
      to,
      subject: variant.subject,
      from: variant.from,
      links: { unsubscribe, preferences, vote },
      at: new Date(),
    });
    return providerId;
  }
}
