import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventKind } from '../../src/platform/db/schema.ts';
import type { ProviderEvent } from '../../src/providers/port.ts';
import { countersOf, type DeliveryState, stateAfter } from '../../src/sending/events/outcome.ts';

const CLAIMED = new Date('2026-11-24T09:00:00Z');
const LATER = new Date('2026-11-24T09:05:00Z');

const PREPARED: DeliveryState = {
  status: 'prepared',
  submittedAt: null,
  bounce: null,
  reason: null,
  providerId: null,
  deliveredAt: null,
  openedAt: null,
};
const SUBMITTED: DeliveryState = { ...PREPARED, status: 'submitted', submittedAt: CLAIMED };

const event = (kind: EventKind, more: Partial<ProviderEvent> = {}): ProviderEvent => ({
  id: `event of ${kind}`,
  type: `email.${kind}`,
  kind,
  at: LATER,
  deliveryId: 'a delivery',
  mailId: null,
  providerId: 'message',
  reason: null,
  link: null,
  isScanner: false,
  ...more,
});

const verdict = ({ status, bounce }: DeliveryState) => (bounce === null ? status : `${bounce} ${status}`);

/**
 * Kinds of events by the state that they prove, from weak to strong. A row is a state: its name, and the kinds that
 * reach it.
 */
const STATES: [state: string, ...kinds: EventKind[]][] = [
  ['submitted', 'accepted', 'delayed', 'opened', 'clicked'],
  ['failed', 'failed'],
  ['soft bounced', 'soft_bounce'],
  ['delivered', 'delivered'],
  ['hard bounced', 'hard_bounce'],
  ['complained', 'complained'],
];
const REACHING = STATES.flatMap(([state, ...kinds], rank) => kinds.map((kind) => ({ state, rank, kind })));

describe('the precedence of delivery states', () => {
  it.each(REACHING)('$kind makes a delivery $state', ({ kind, state }) => {
    for (const before of [PREPARED, SUBMITTED])
      expect({ kind, state: verdict(stateAfter(before, [event(kind)], CLAIMED)) }).toEqual({
        kind,
        state,
      });
  });

  it.each(
    REACHING.flatMap((weak) =>
      REACHING.filter(({ rank }) => rank > weak.rank).map((strong) => ({ weak: weak.kind, ...strong })),
    ),
  )('$weak and $kind make it $enqueued, whichever comes first', ({ weak, kind, state }) => {
    const strong = event(kind);
    const orders = {
      [`${weak}, ${kind}`]: [event(weak), strong],
      [`${kind}, ${weak}`]: [strong, event(weak)],
    };
    const reached = Object.fromEntries(
      Object.entries(orders).map(([order, events]) => [
        order,
        verdict(stateAfter(SUBMITTED, events, CLAIMED)),
      ]),
    );
    expect(reached).toEqual({ [`${weak}, ${kind}`]: state, [`${kind}, ${weak}`]: state });
  });

  it.each(['suppressed', 'other'] as const)('%s does not change a delivery', (kind) => {
    expect(stateAfter(PREPARED, [event(kind)], CLAIMED)).toEqual(PREPARED);
    expect(stateAfter(SUBMITTED, [event(kind)], CLAIMED)).toEqual(SUBMITTED);
  });

  it.each<[string, DeliveryState, Partial<DeliveryState>]>([
    [
      'any event proves acceptance',
      stateAfter({ ...PREPARED, status: 'uncertain', reason: 'no answer' }, [event('delayed')], CLAIMED),
      { status: 'submitted', submittedAt: CLAIMED, providerId: 'message', reason: null },
    ],
    [
      'what is known of acceptance stays',
      stateAfter({ ...SUBMITTED, submittedAt: LATER, providerId: 'first' }, [event('delivered')], CLAIMED),
      { submittedAt: LATER, providerId: 'first', deliveredAt: LATER },
    ],
    [
      'the earliest delivery and opening count',
      stateAfter(SUBMITTED, [event('opened'), event('opened', { at: CLAIMED }), event('delivered')], CLAIMED),
      { status: 'delivered', openedAt: CLAIMED, deliveredAt: LATER },
    ],
    [
      'the reason is that of the strongest event',
      stateAfter(
        SUBMITTED,
        [event('hard_bounce', { reason: 'NoEmail' }), event('soft_bounce', { reason: 'MailboxFull' })],
        CLAIMED,
      ),
      { bounce: 'hard', reason: 'NoEmail' },
    ],
  ])('%s', (_rule, state, expected) => {
    const picked = Object.keys(expected).map((key) => [key, state[key as keyof DeliveryState]]);
    expect(Object.fromEntries(picked)).toEqual(expected);
  });
});

describe('events of a delivery', () => {
  const kinds = REACHING.map(({ kind }) => kind);
  const anyEvent: fc.Arbitrary<ProviderEvent> = fc
    .record({
      kind: fc.constantFrom<EventKind>(...kinds, 'suppressed', 'other'),
      at: fc.integer({ min: 0, max: 5 }).map((minutes) => new Date(CLAIMED.getTime() + minutes * 60_000)),
      word: fc.constantFrom('General', 'MailboxFull', 'NoEmail'),
    })
    // Only bounces and failures have a reason.
    .map(({ kind, at, word }) => event(kind, { at, reason: /bounce|failed/.test(kind) ? word : null }));
  const events = fc.array(anyEvent, { maxLength: 6 });
  const states = fc
    .tuple(fc.constantFrom(PREPARED, SUBMITTED, { ...PREPARED, status: 'uncertain' as const }), events)
    .map(([state, before]) => stateAfter(state, before, CLAIMED));
  const rankOf = (state: DeliveryState) =>
    state.submittedAt === null ? -1 : STATES.findIndex(([name]) => name === verdict(state));

  it('may arrive in any order', () => {
    const shuffled = events.chain((some) =>
      fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })),
    );
    fc.assert(
      fc.property(states, shuffled, (state, [one, other]) => {
        expect(stateAfter(state, other, CLAIMED)).toEqual(stateAfter(state, one, CLAIMED));
      }),
    );
  });

  it('may arrive in any portions', () => {
    fc.assert(
      fc.property(states, events, events, (state, first, second) => {
        const inTwo = stateAfter(stateAfter(state, first, CLAIMED), second, CLAIMED);
        expect(inTwo).toEqual(stateAfter(state, [...first, ...second], CLAIMED));
      }),
    );
  });

  it('may arrive any number of times', () => {
    fc.assert(
      fc.property(states, events, (state, some) => {
        const once = stateAfter(state, some, CLAIMED);
        expect(stateAfter(once, some, CLAIMED)).toEqual(once);
      }),
    );
  });

  it('never move a delivery to a weaker state (I7)', () => {
    fc.assert(
      fc.property(states, events, (state, some) => {
        expect(rankOf(stateAfter(state, some, CLAIMED))).toBeGreaterThanOrEqual(rankOf(state));
      }),
    );
  });
});

describe('the counters of a delivery', () => {
  const NONE = { delivered: 0, bouncedHard: 0, bouncedSoft: 0, complained: 0, failed: 0, opened: 0 };

  it.each<[string, EventKind[], Partial<typeof NONE>]>([
    ['nothing that it is only submitted', ['accepted'], {}],
    ['a failure', ['failed'], { failed: 1 }],
    ['a soft bounce', ['soft_bounce'], { bouncedSoft: 1 }],
    ['a delivery, whatever bounced softly before', ['soft_bounce', 'delivered'], { delivered: 1 }],
    ['a hard bounce, and no delivery', ['delivered', 'hard_bounce'], { bouncedHard: 1 }],
    ['a complaint as a delivery too', ['complained'], { complained: 1, delivered: 1 }],
    ['an opening beside what else it is', ['opened', 'delivered'], { delivered: 1, opened: 1 }],
  ])('count %s', (_what, kinds, expected) => {
    const state = stateAfter(
      SUBMITTED,
      kinds.map((kind) => event(kind)),
      CLAIMED,
    );
    expect(countersOf(state)).toEqual({ ...NONE, ...expected });
  });
});
