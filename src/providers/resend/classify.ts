import type { Outcome } from '../port.ts';

/** A response from Resend other than success. */
export interface Refusal {
  /** null: no readable answer, for whatever reason. */
  status: number | null;
  /** `error.name`; undefined when the answer did not come from Resend. */
  name: string | undefined;
  /** Lower-case names. */
  headers: Record<string, string | undefined>;
  /** Messages in the request. */
  size: number;
  now: Date;
}

/**
 * Maps a refusal to an outcome, by status and name, never by text. An unknown server error never counts as "not
 * accepted". An unknown refusal halts the issue: a person should look at it before a list is mailed twice or not at
 * all.
 */
export function classify(refusal: Refusal): Outcome {
  const { status, name, size } = refusal;
  const label = name ?? 'an answer that is not Resend’s';
  if (status === null) return tryAgain('no answer');
  // A request may have been accepted although the server failed (5xx) or a request with the same key is in progress
  // (409): the same request again returns the answer.
  if (status >= 500 || status === 408) return tryAgain(`${status} ${label}`);
  switch (status) {
    case 409:
      if (name === 'concurrent_idempotent_requests' || name === 'resource_locked')
        return { kind: 'ambiguous', reason: label, final: false, isBusy: true };
      if (name === 'invalid_idempotent_request') return { kind: 'conflict', reason: `409 ${label}` };
      return { kind: 'ambiguous', reason: `409 ${label}`, final: true };
    case 413:
      return size > 1
        ? { kind: 'split', reason: 'too many bytes' }
        : { kind: 'rejected', reason: 'too large' };
    case 429:
      if (name === 'daily_quota_exceeded') {
        return {
          kind: 'halt',
          reason: `Resend’s daily quota is used up; it begins anew at ${nextMidnight(refusal.now)}.`,
        };
      }
      if (name === 'monthly_quota_exceeded') {
        return { kind: 'halt', reason: 'Resend’s monthly quota is used up; raise the plan, then resume.' };
      }
      if (name === undefined || WAITS.has(name)) return { kind: 'retryAfter', ms: retryAfterMs(refusal) };
      break;
    case 400:
    case 422:
      if (name !== undefined && ONE_MESSAGE.has(name)) {
        return size > 1 ? { kind: 'split', reason: name } : { kind: 'rejected', reason: name };
      }
  }
  return { kind: 'halt', reason: HALTS[name ?? ''] ?? `Resend refuses everything: ${status} ${label}.` };
}

function tryAgain(reason: string): Outcome {
  return { kind: 'ambiguous', reason, final: false };
}

/**
 * `application_error` is the SDK's own name for an error page of the edge. Other exhausted quotas do not return by
 * waiting.
 */
const WAITS = new Set(['rate_limit_exceeded', 'application_error']);

/** The fault may be in one message only, usually its address. */
const ONE_MESSAGE = new Set([
  'validation_error',
  'missing_required_field',
  'missing_required_parameter',
  'invalid_parameter',
  'invalid_attachment',
]);

/** For people: what is wrong with the account, and how to repair it. */
const HALTS: Record<string, string> = {
  missing_api_key: 'Resend wants an API key; set RESEND_API_KEY.',
  invalid_api_key: 'Resend does not know the API key; set RESEND_API_KEY to a valid one.',
  restricted_api_key: 'The API key may not send; make one with sending access.',
  suspended_api_key: 'The API key is suspended; ask Resend why.',
  invalid_permission: 'The API key may not send; make one with sending access.',
  validation_error: 'Resend does not accept the sender; verify the domain of MAIL_FROM there.',
  invalid_from_address: 'Resend does not accept the sender; mend MAIL_FROM.',
  security_error: 'Resend has stopped this account for a security reason; ask them.',
};

/** No wait is longer than this; a longer `retry-after` is split into several waits. */
const LONGEST_WAIT_MS = 15 * 60_000;

/**
 * `retry-after` in seconds or as a date, else `ratelimit-reset`, else a second. Rounded up: a queue takes no fraction.
 */
export function retryAfterMs({ headers, now }: Pick<Refusal, 'headers' | 'now'>): number {
  for (const value of [headers['retry-after'], headers['ratelimit-reset']]) {
    if (value === undefined) continue;
    const seconds = /^\s*\d+(?:\.\d+)?\s*$/.test(value)
      ? Number(value)
      : (Date.parse(value) - now.getTime()) / 1_000;
    if (Number.isFinite(seconds)) return Math.min(Math.max(Math.ceil(seconds * 1_000), 0), LONGEST_WAIT_MS);
  }
  return 1_000;
}

function nextMidnight(now: Date): string {
  const midnight = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
  return `${midnight.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
