import { createHash } from 'node:crypto';
import { type Refusal, refusal } from './contract.ts';
import type { Arrived } from './faults.ts';
import type { Answered, Ledger } from './ledger.ts';

/** Keys are separate for each method and endpoint. */
export const scopeOf = ({ path, key }: Pick<Arrived, 'path' | 'key'>) =>
  key === null ? null : `${path} ${key}`;

/** Idempotency keys: each belongs to the exact bytes of its first request, as long as the ledger stores it. */
export class IdempotencyKeys {
  readonly #ledger: Ledger;
  readonly #clock: () => Date;
  readonly #running = new Set<string>();
  readonly #attempts = new Map<string, number>();

  constructor(ledger: Ledger, clock: () => Date) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** 1 for the first request under its key, and for every request without one. */
  attempt(request: Pick<Arrived, 'path' | 'key'>): number {
    const scope = scopeOf(request);
    if (scope === null) return 1;
    const attempt = (this.#attempts.get(scope) ?? 0) + 1;
    this.#attempts.set(scope, attempt);
    return attempt;
  }

  /**
   * Answers a request by its key: with the first answer, or with a conflict while the first request is running or when
   * the bytes differ.
   * @param accept processes the request when there is no conflict.
   */
  async once(
    request: Pick<Arrived, 'path' | 'key'> & { bytes: Buffer },
    accept: (fingerprint: string) => Promise<Answered | Refusal>,
  ): Promise<Answered | Refusal> {
    const scope = scopeOf(request);
    const fingerprint = createHash('sha256').update(request.bytes).digest('base64');
    if (scope === null) return accept(fingerprint);
    const earlier = this.#ledger.remembered(scope, this.#clock().getTime());
    if (earlier?.fingerprint === fingerprint) return earlier.answer;
    if (earlier !== undefined)
      return refusal(
        409,
        'invalid_idempotent_request',
        'Same idempotency key used with a different request payload.',
      );
    if (this.#running.has(scope))
      return refusal(
        409,
        'concurrent_idempotent_requests',
        'Same idempotency key used while original request is still in progress.',
      );
    this.#running.add(scope);
    try {
      return await accept(fingerprint);
    } finally {
      this.#running.delete(scope);
    }
  }
}
