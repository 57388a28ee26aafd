import type { Deed } from '../../desk/index.ts';

/** What a publisher decides, as the URL names it, and what the log says when it is done. */
export const DONE = {
  approve: 'approved',
  'take-back': 'approval_taken_back',
  send: 'sent',
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
} as const satisfies Record<string, Deed>;

export type ActionName = keyof typeof DONE;
