import type { DeliveryStatus, EventKind } from '../../platform/db/schema.ts';
import type { ProviderEvent } from '../../providers/port.ts';

/** The state of a delivery as the ledger stores it. */
export interface DeliveryState {
  status: DeliveryStatus;
  /** null until it is known that the provider accepted it. */
  submittedAt: Date | null;
  bounce: 'hard' | 'soft' | null;
  reason: string | null;
  providerId: string | null;
  deliveredAt: Date | null;
  openedAt: Date | null;
}

type Outcome = Pick<DeliveryState, 'status' | 'bounce'>;

/**
 * The states of an accepted message, from the weakest to the strongest. A delivery only moves to a stronger state,
 * so that order, repetition and delay of events make no difference (I7). `delivered` is stronger than a soft
 * bounce, which may be an out-of-office reply; only a complaint is stronger than a hard bounce.
 */
const PRECEDENCE: readonly Outcome[] = [
  { status: 'submitted', bounce: null },
  { status: 'failed', bounce: null },
  { status: 'bounced', bounce: 'soft' },
  { status: 'delivered', bounce: null },
  { status: 'bounced', bounce: 'hard' },
  { status: 'complained', bounce: null },
];

/** The state that an event of each kind proves. Every event proves that the message was accepted; some prove more. */
const PROVES: Record<Exclude<EventKind, 'suppressed' | 'other'>, number> = {
  accepted: rankOf({ status: 'submitted', bounce: null }),
  delayed: rankOf({ status: 'submitted', bounce: null }),
  failed: rankOf({ status: 'failed', bounce: null }),
  soft_bounce: rankOf({ status: 'bounced', bounce: 'soft' }),
  delivered: rankOf({ status: 'delivered', bounce: null }),
  // Only a delivered message can be opened, but scanners open messages before delivery and follow their links.
  opened: rankOf({ status: 'submitted', bounce: null }),
  clicked: rankOf({ status: 'submitted', bounce: null }),
  hard_bounce: rankOf({ status: 'bounced', bounce: 'hard' }),
  complained: rankOf({ status: 'complained', bounce: null }),
};

function rankOf({ status, bounce }: Outcome): number {
  return PRECEDENCE.findIndex((step) => step.status === status && step.bounce === bounce);
}

/** -1: there is no proof that it was accepted (not submitted, excluded, or refused). */
function rank(state: DeliveryState): number {
  return state.submittedAt === null ? -1 : rankOf(state);
}

/**
 * Returns a delivery's state after more events about it. Commutative, idempotent and monotone: events may arrive in
 * any order, in any portions, any number of times.
 * @param claimedAt is taken as the time of acceptance when only an event proves it.
 */
export function stateAfter(
  state: DeliveryState,
  events: readonly ProviderEvent[],
  claimedAt: Date,
): DeliveryState {
  const next = { ...state };
  for (const { kind, at, reason, providerId } of events) {
    if (kind === 'suppressed' || kind === 'other') continue;
    const proven = PROVES[kind];
    const current = rank(next);
    const step = PRECEDENCE[proven];
    if (step !== undefined && proven > current) {
      Object.assign(next, step, { reason });
    } else if (proven === current && step?.status !== 'submitted') {
      next.reason = lesser(next.reason, reason);
    }
    next.submittedAt ??= claimedAt;
    next.providerId ??= providerId;
    if (kind === 'delivered') next.deliveredAt = earlier(next.deliveredAt, at);
    if (kind === 'opened') next.openedAt = earlier(next.openedAt, at);
  }
  return next;
}

/** Of two reasons for the same state, always returns the same one, whatever their order. */
function lesser(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a <= b ? a : b;
}

/** What a delivery adds to the counters of its issue. */
export interface OutcomeCounters {
  delivered: number;
  bouncedHard: number;
  bouncedSoft: number;
  complained: number;
  failed: number;
  opened: number;
}

/** Returns the counters of one delivery. A complaint also counts as delivered: the message had arrived. */
export function countersOf(state: DeliveryState): OutcomeCounters {
  const is = (step: number) => (rank(state) === step ? 1 : 0);
  const complained = is(PROVES.complained);
  return {
    delivered: is(PROVES.delivered) + complained,
    bouncedHard: is(PROVES.hard_bounce),
    bouncedSoft: is(PROVES.soft_bounce),
    complained,
    failed: is(PROVES.failed),
    opened: state.openedAt === null ? 0 : 1,
  };
}

/** Returns the reason why its subscriber must never be mailed again after this event; null when there is none. */
export function suppression({ kind, reason }: ProviderEvent): Suppression | null {
  if (kind === 'complained') return 'complained';
  if (kind !== 'hard_bounce' && kind !== 'suppressed') return null;
  return COMPLAINTS.has(reason ?? '') ? 'complained' : 'bounced';
}

/** Reasons of the provider that mean a complaint: for an address on its suppression list, and for one message. */
const COMPLAINTS = new Set(['complaint', 'previous_complaint']);

export type Suppression = 'bounced' | 'complained';
