import type { DeliveryStatus, EventKind } from '../../platform/db/schema.ts';
import type { ProviderEvent } from '../../providers/port.ts';

/** What a delivery has come to. */
export interface DeliveryState {
  status: DeliveryStatus;
  /** null as long as the provider is not known to have accepted it. */
  submittedAt: Date | null;
  bounce: 'hard' | 'soft' | null;
  reason: string | null;
  providerId: string | null;
  deliveredAt: Date | null;
  openedAt: Date | null;
}

type Verdict = Pick<DeliveryState, 'status' | 'bounce'>;

/**
 * What can become of a message that was accepted, from weak to strong. A delivery only ever climbs, so
 * that order, repetition and delay of events make no difference (I7). An arrival outweighs a soft bounce,
 * which may be a note of absence; nothing but a complaint outweighs a hard one.
 */
const PRECEDENCE: readonly Verdict[] = [
  { status: 'submitted', bounce: null },
  { status: 'failed', bounce: null },
  { status: 'bounced', bounce: 'soft' },
  { status: 'delivered', bounce: null },
  { status: 'bounced', bounce: 'hard' },
  { status: 'complained', bounce: null },
];

/** Every event about a message proves that it was accepted; some prove more. */
const PROVES: Record<Exclude<EventKind, 'suppressed' | 'other'>, number> = {
  accepted: rankOf({ status: 'submitted', bounce: null }),
  delayed: rankOf({ status: 'submitted', bounce: null }),
  failed: rankOf({ status: 'failed', bounce: null }),
  soft_bounce: rankOf({ status: 'bounced', bounce: 'soft' }),
  delivered: rankOf({ status: 'delivered', bounce: null }),
  // Only what arrived can be opened; but programs open and follow what no reader ever saw.
  opened: rankOf({ status: 'submitted', bounce: null }),
  clicked: rankOf({ status: 'submitted', bounce: null }),
  hard_bounce: rankOf({ status: 'bounced', bounce: 'hard' }),
  complained: rankOf({ status: 'complained', bounce: null }),
};

function rankOf({ status, bounce }: Verdict): number {
  return PRECEDENCE.findIndex((step) => step.status === status && step.bounce === bounce);
}

/** -1: nothing says that it was accepted (not submitted, left out, or refused). */
function rank(state: DeliveryState): number {
  return state.submittedAt === null ? -1 : rankOf(state);
}

/**
 * A delivery after some more events about it. Commutative, idempotent and monotone: events may come in
 * any order, in any portions, any number of times.
 * @param claimedAt stands for the moment of acceptance, where only an event tells of it.
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

/** Of two reasons for the same verdict, always the same one. */
function lesser(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a <= b ? a : b;
}

/** What a delivery adds to the figures of its issue. */
export interface OutcomeCounters {
  delivered: number;
  bouncedHard: number;
  bouncedSoft: number;
  complained: number;
  failed: number;
  opened: number;
}

/** The place of one delivery in the figures. Complaints count as delivered too: they had arrived. */
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

/** Why an event means that its reader is never mailed again; null when it does not. */
export function suppression({ kind, reason }: ProviderEvent): Suppression | null {
  if (kind === 'complained') return 'complained';
  if (kind !== 'hard_bounce' && kind !== 'suppressed') return null;
  return COMPLAINTS.has(reason ?? '') ? 'complained' : 'bounced';
}

/** Why the provider keeps an address on its own list: of the address, and of a message to it. */
const COMPLAINTS = new Set(['complaint', 'previous_complaint']);

export type Suppression = 'bounced' | 'complained';
