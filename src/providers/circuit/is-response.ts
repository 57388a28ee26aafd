import type { Outcome } from '../port.ts';

/** Whether the provider responded, with any answer. Otherwise nobody knows whether it is reachable. */
export function isResponse(outcome: Outcome): boolean {
  if (outcome.kind === 'ambiguous') return outcome.final || outcome.isBusy === true;
  return outcome.kind !== 'unreachable';
}
