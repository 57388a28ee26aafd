import type { AuditAction } from '../audit/audit-actions.ts';

/** A publisher's actions, as URLs name them, and the audit action of each. */
export const DONE = {
  approve: 'approved',
  'take-back': 'approval_taken_back',
  move: 'moved',
  send: 'sent',
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
} as const satisfies Record<string, AuditAction>;

export type ActionName = keyof typeof DONE;

/** The most characters of a reason, which is shown on one line. */
export const REASON_MAX_LENGTH = 300;

/**
 * The reason in a form; '' if none was given. Never ends in half a surrogate pair, which the database could not
 * store.
 */
export const reasonIn = (form: URLSearchParams): string =>
  (form.get('reason') ?? '').trim().slice(0, REASON_MAX_LENGTH).toWellFormed();
