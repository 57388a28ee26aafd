import { randomUUID } from 'node:crypto';
import {
  type BatchRequest,
  type ItemOutcome,
  type Mailer,
  type Message,
  messagesOf,
  type Outcome,
  type SingleMail,
} from '../../src/providers/port.ts';

/** How one request and its answer fail. */
export type Behaviour =
  | 'answers'
  /** It accepts, and the answer is lost. */
  | 'answer-lost'
  /** The request never arrives. */
  | 'request-lost'
  /** It accepts, and answers for one message too few. */
  | 'answers-short'
  /** It refuses every third message, the others it accepts. */
  | 'refuses-some'
  | Exclude<Outcome, { kind: 'accepted' }>
  /** Any other behaviour, such as no answer for a while. */
  | ((request: BatchRequest, honest: () => Outcome) => Promise<Outcome>);

/**
 * A provider that keeps its promises: a key is accepted once, with its bytes, and always gets the same answer. Each
 * request gets the next planned behaviour, or `answers` when there is none.
 */
export class Provider implements Mailer {
  readonly destination = 'the test';
  readonly requests: { key: string; payloadHash: string; messages: Message[] }[] = [];
  /** Every copy that was accepted, by address. */
  readonly copies: string[] = [];
  readonly #accepted = new Map<string, { payloadHash: string; items: ItemOutcome[] }>();
  /** Keys that it promised never to accept. */
  readonly #given = new Set<string>();
  readonly #plan: Behaviour[];

  constructor(...plan: Behaviour[]) {
    this.#plan = plan;
  }

  plan(...more: Behaviour[]): void {
    this.#plan.push(...more);
  }

  /** Drops the planned behaviours that have not happened. */
  unplan(): void {
    this.#plan.pop();
  }

  async submit(request: BatchRequest): Promise<Outcome> {
    const { key, payloadHash } = request;
    this.requests.push({ key, payloadHash, messages: messagesOf(request) });
    const behaviour = this.#plan.shift() ?? 'answers';
    if (typeof behaviour === 'function') return behaviour(request, () => this.#accept(request));
    if (typeof behaviour === 'object') return behaviour;
    if (behaviour === 'request-lost') throw new Error('connect ETIMEDOUT');
    const outcome = this.#accept(request, behaviour === 'refuses-some');
    if (behaviour === 'answer-lost') throw new Error('read ECONNRESET');
    if (behaviour === 'answers-short' && outcome.kind === 'accepted')
      return { kind: 'accepted', items: outcome.items.slice(1) };
    return outcome;
  }

  async send({ to }: SingleMail, key: string): Promise<Outcome> {
    const items = this.#accepted.get(key)?.items ?? [{ accepted: randomUUID() }];
    if (!this.#accepted.has(key)) this.copies.push(to);
    this.#accepted.set(key, { payloadHash: '', items });
    return { kind: 'accepted', items };
  }

  recall = async (key: string): Promise<ItemOutcome[] | 'unknown-key'> => {
    const items = this.#accepted.get(key)?.items;
    if (items === undefined) this.#given.add(key);
    return items ?? 'unknown-key';
  };

  #accept({ key, payloadHash, copies }: BatchRequest, refusesSome = false): Outcome {
    if (this.#given.has(key)) return { kind: 'ambiguous', reason: 'this key was given up', final: true };
    const earlier = this.#accepted.get(key);
    if (earlier !== undefined) {
      return earlier.payloadHash === payloadHash
        ? { kind: 'accepted', items: earlier.items }
        : { kind: 'conflict', reason: 'other bytes under a used key' };
    }
    const items = copies.map(({ to }, index): ItemOutcome => {
      if (refusesSome && index % 3 === 2) return { rejected: 'invalid address' };
      this.copies.push(to);
      return { accepted: randomUUID() };
    });
    this.#accepted.set(key, { payloadHash, items });
    return { kind: 'accepted', items };
  }
}
