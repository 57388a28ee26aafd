import type { Outcome } from '../../src/providers/port.ts';
import { classify } from '../../src/providers/resend/classify.ts';
import type { Random } from '../year/random.ts';

/** Resend as a model: its documented limits and keys, and faults drawn by a seed. Messages are numbers. */
export interface Weather {
  /** Requests a second of the account, in fixed windows. */
  ratePerSecond: number;
  /** The part of requests that fails, in one of the ways below. */
  faults: number;
  /** Whether `x-batch-validation: permissive` is honoured. */
  isPermissive: boolean;
  /** From and to, in ms of the virtual clock. */
  outages: readonly (readonly [number, number])[];
}

export interface Asked {
  key: string;
  /** Messages, and those among them that are refused for their address. */
  size: number;
  bad: number;
}

export interface Answered {
  outcome: Outcome;
  /** How long the worker waits for it, in ms. */
  ms: number;
}

type Failure = 'failed' | 'failed-after' | 'reset' | 'reset-after' | 'limited' | 'unavailable';
const FAILURES: readonly Failure[] = [
  'failed',
  'failed-after',
  'reset',
  'reset-after',
  'limited',
  'unavailable',
];

export class ModelProvider {
  readonly #weather: Weather;
  readonly #random: Random;
  /** Key → the messages that were accepted under it. A model run is shorter than the 24 h of a key. */
  readonly #keys = new Map<string, Asked>();
  #window = -1;
  #inWindow = 0;
  /** Messages that were accepted for good addresses. */
  accepted = 0;
  requests = 0;
  limited = 0;

  constructor(weather: Weather, random: Random) {
    this.#weather = weather;
    this.#random = random;
  }

  submit(asked: Asked, now: number): Answered {
    this.requests += 1;
    const random = this.#random;
    const ms = random.between(120, 600);
    const refused = (status: number | null, name?: string, waited = ms): Answered => ({
      outcome: classify({
        status,
        name,
        headers: { 'retry-after': '1' },
        size: asked.size,
        now: new Date(now),
      }),
      ms: waited,
    });
    if (this.#weather.outages.some(([from, to]) => now >= from && now < to)) {
      if (random.chance(0.5)) return { outcome: { kind: 'unreachable', reason: 'no connection' }, ms: 20 };
      return random.chance(0.5) ? refused(503, 'service_unavailable') : refused(null, undefined, 30_000);
    }
    const second = Math.floor(now / 1_000);
    if (second !== this.#window) [this.#window, this.#inWindow] = [second, 0];
    this.#inWindow += 1;
    const fault = random.chance(this.#weather.faults) ? random.pick(FAILURES) : null;
    if (this.#inWindow > this.#weather.ratePerSecond || fault === 'limited') {
      this.limited += 1;
      return refused(429, 'rate_limit_exceeded');
    }
    if (fault === 'failed') return refused(500, 'internal_server_error');
    if (fault === 'unavailable') return refused(503, 'service_unavailable');
    if (fault === 'reset') return refused(null);
    const answer = this.#accept(asked, refused, ms);
    if (fault === 'failed-after') return refused(500, 'application_error');
    if (fault === 'reset-after') return refused(null);
    return answer;
  }

  #accept(asked: Asked, refused: (status: number, name: string) => Answered, ms: number): Answered {
    const earlier = this.#keys.get(asked.key);
    if (earlier !== undefined && earlier.size !== asked.size)
      return refused(409, 'invalid_idempotent_request');
    if (earlier === undefined) {
      if (asked.bad > 0 && !this.#weather.isPermissive) return refused(422, 'validation_error');
      this.#keys.set(asked.key, asked);
      this.accepted += asked.size - asked.bad;
    }
    const items = Array.from({ length: asked.size }, (_, at) =>
      at < asked.bad ? { rejected: 'validation_error' } : { accepted: 'id' },
    );
    return { outcome: { kind: 'accepted', items }, ms };
  }
}
