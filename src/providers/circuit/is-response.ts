import type { Outcome } from '../port.ts';

/** Whether the provider was heard, whatever it said; or else nobody knows whether it is there. */
export function isResponse(outcome: Outcome): boolean {
  if (outcome.kind === 'ambiguous') return outcome.final || outcome.isBusy === true;
  return outcome.kind !== 'unreachable';
}
