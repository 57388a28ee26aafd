/**
 * Faults of one request on its way to Resend and back. Each was seen in practice or is documented; a test plans them
 * one by one, by name, or chooses them by a seed.
 */
export type Fault =
  /** An answer other than success. With `accepted`, all messages were accepted before it. */
  | {
      kind: 'answer';
      status: number;
      /** Of the error; without one the body is not Resend's. */
      name?: string;
      /** `html` is an answer of the edge in front of the API. */
      body?: 'json' | 'html' | 'empty';
      retryAfter?: { seconds: number; as: 'seconds' | 'date' };
      accepted?: boolean;
    }
  /** The connection is reset, before or after all messages were accepted. */
  | { kind: 'reset'; accepted: boolean }
  /** No answer, and the connection is closed after `ms`, or never. */
  | { kind: 'hang'; accepted: boolean; ms?: number }
  /** It takes this long; meanwhile the key is in use. */
  | { kind: 'slow'; ms: number }
  /** Of this many messages the last is refused, like a bad address. */
  | { kind: 'refuse-items'; every: number }
  /** All messages were accepted, and the success answer is not the documented one. */
  | { kind: 'mangle'; how: 'short' | 'reordered' | 'duplicated' | 'error-body' | 'truncated' | 'html' };

export const FAULTS = {
  429: { kind: 'answer', status: 429, name: 'rate_limit_exceeded' },
  '429-retry-after': {
    kind: 'answer',
    status: 429,
    name: 'rate_limit_exceeded',
    retryAfter: { seconds: 1, as: 'seconds' },
  },
  '429-retry-date': {
    kind: 'answer',
    status: 429,
    name: 'rate_limit_exceeded',
    retryAfter: { seconds: 1, as: 'date' },
  },
  'daily-quota': { kind: 'answer', status: 429, name: 'daily_quota_exceeded' },
  'monthly-quota': { kind: 'answer', status: 429, name: 'monthly_quota_exceeded' },
  401: { kind: 'answer', status: 401, name: 'missing_api_key' },
  '403-key': { kind: 'answer', status: 403, name: 'invalid_api_key' },
  '403-restricted': { kind: 'answer', status: 403, name: 'restricted_api_key' },
  '403-suspended': { kind: 'answer', status: 403, name: 'suspended_api_key' },
  '403-domain': { kind: 'answer', status: 403, name: 'validation_error' },
  '403-edge': { kind: 'answer', status: 403, body: 'html' },
  concurrent: { kind: 'answer', status: 409, name: 'concurrent_idempotent_requests' },
  413: { kind: 'answer', status: 413, body: 'html' },
  422: { kind: 'answer', status: 422, name: 'validation_error' },
  500: { kind: 'answer', status: 500, name: 'application_error' },
  '500-accepted': { kind: 'answer', status: 500, name: 'internal_server_error', accepted: true },
  '500-empty': { kind: 'answer', status: 500, body: 'empty' },
  '502-html': { kind: 'answer', status: 502, body: 'html' },
  '502-accepted': { kind: 'answer', status: 502, body: 'html', accepted: true },
  503: { kind: 'answer', status: 503, name: 'service_unavailable' },
  '503-html': { kind: 'answer', status: 503, body: 'html' },
  '504-accepted': { kind: 'answer', status: 504, body: 'html', accepted: true },
  'reset-before': { kind: 'reset', accepted: false },
  'reset-after': { kind: 'reset', accepted: true },
  'hang-before': { kind: 'hang', accepted: false },
  'hang-after': { kind: 'hang', accepted: true },
  slow: { kind: 'slow', ms: 500 },
  half: { kind: 'refuse-items', every: 2 },
  'third-refused': { kind: 'refuse-items', every: 3 },
  short: { kind: 'mangle', how: 'short' },
  reordered: { kind: 'mangle', how: 'reordered' },
  duplicated: { kind: 'mangle', how: 'duplicated' },
  'error-in-200': { kind: 'mangle', how: 'error-body' },
  truncated: { kind: 'mangle', how: 'truncated' },
  'html-in-200': { kind: 'mangle', how: 'html' },
} as const satisfies Record<string, Fault>;

export type FaultName = `${keyof typeof FAULTS}`;

export const faultOf = (fault: Fault | FaultName): Fault =>
  typeof fault === 'object' ? fault : FAULTS[fault as keyof typeof FAULTS];

/** A send request on arrival. */
export interface Arrived {
  path: '/emails' | '/emails/batch';
  key: string | null;
  /** 1 for the first request under its key. */
  attempt: number;
}

/** Decides the fault of a request; undefined: the answer follows the contract. */
export type Planner = (request: Arrived) => Fault | FaultName | undefined;

/** Numbers from 0 to 1, determined by the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A share of all requests gets one of `faults`, chosen by the seed. */
export function randomFaults(seed: number, share: number, faults: readonly (Fault | FaultName)[]): Planner {
  const draw = seeded(seed);
  return () => (draw() < share ? faults[Math.floor(draw() * faults.length)] : undefined);
}
