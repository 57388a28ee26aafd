import type { AuditAction } from '../audit/audit-actions.ts';

/** What a publisher decides, as the URL names it, and what the log says when it is done. */
export const DONE = {
  approve: 'approved',
  'take-back': 'approval_taken_back',
  send: 'sent',
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
} as const satisfies Record<string, AuditAction>;

export type ActionName = keyof typeof DONE;

/** Characters of a reason: it is kept, and shown on one line. */
export const REASON_MAX_LENGTH = 300;

/** The reason in a form; '' where none was given. No half of a character, which the log could not keep. */
export const reasonIn = (form: URLSearchParams): string =>
  (form.get('reason') ?? '').trim().slice(0, REASON_MAX_LENGTH).toWellFormed();
