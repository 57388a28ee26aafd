import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowedEvents,
  type EventName,
  INITIAL,
  type IssueState,
  isTerminal,
  type LifecycleEvent,
  Refusal,
  STATUSES,
  sourcesOf,
  transition,
} from '../../src/issues/lifecycle.ts';
import type { IssueStatus } from '../../src/platform/db/schema.ts';

const EVENTS: LifecycleEvent[] = [
  { type: 'submit_for_review' },
  { type: 'approve' },
  { type: 'edit' },
  { type: 'prepare' },
  { type: 'start' },
  { type: 'finish' },
  { type: 'pause', reason: 'monthly quota reached' },
  { type: 'miss', reason: 'nobody approved it' },
  { type: 'resume' },
  { type: 'cancel' },
  { type: 'skip', reason: 'too few comparisons' },
  { type: 'fail', reason: 'no postal address' },
];
const REASONS = new Map(EVENTS.map((event) => ['reason' in event ? event.type : '', event]));

const paths = fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 });
const eventOf = (type: EventName) => EVENTS.find((event) => event.type === type) as LifecycleEvent;

function accepted(state: IssueState, event: LifecycleEvent | EventName): IssueState {
  const next = transition(state, typeof event === 'string' ? eventOf(event) : event);
  if (next instanceof Refusal) throw new Error(next.reason);
  return next;
}
const life = (...events: EventName[]): IssueState => events.reduce<IssueState>(accepted, INITIAL);

/** Every state that a sequence of events can reach. */
function reachable(): IssueState[] {
  const seen = new Map<string, IssueState>();
  const open = [INITIAL];
  for (let state = open.pop(); state; state = open.pop()) {
    const key = JSON.stringify(state);
    if (seen.has(key)) continue;
    seen.set(key, state);
    for (const event of EVENTS) {
      const next = transition(state, event);
      if (!(next instanceof Refusal)) open.push(next);
    }
  }
  return [...seen.values()];
}

describe('the life of an issue', () => {
  it('goes from draft to sent', () => {
    const path: EventName[] = ['submit_for_review', 'approve', 'prepare', 'start', 'finish'];
    const statuses = path.map((_, index) => life(...path.slice(0, index + 1)).status);
    expect(statuses).toEqual(['review', 'approved', 'preparing', 'sending', 'sent']);
  });

  it('reaches every status, and only states with consistent columns', () => {
    const states = reachable();
    expect(new Set(states.map((state) => state.status))).toEqual(new Set(STATUSES));
    for (const state of states) {
      const interrupted = state.status === 'paused' || state.status === 'failed';
      expect(state.resumeTo !== null).toBe(interrupted);
      expect(state.reason !== null).toBe(interrupted || state.status === 'skipped');
    }
    // 10 statuses; paused and failed can each return to one of three states, and paused to review too.
    const places = new Set(states.map(({ status, resumeTo }) => `${status} ${resumeTo}`));
    expect(places.size).toBe(8 + 2 * 3 + 1);
  });

  it('ends: no event changes sent, cancelled or skipped', () => {
    expect(STATUSES.filter(isTerminal)).toEqual(['sent', 'cancelled', 'skipped']);
    fc.assert(
      fc.property(paths, (events) => {
        let state = INITIAL;
        let end: IssueState | null = null;
        for (const event of events) {
          const next = transition(state, event);
          if (!(next instanceof Refusal)) state = next;
          if (end) expect(state).toBe(end);
          else if (isTerminal(state.status)) end = state;
        }
      }),
    );
  });

  it('never prepares, sends or finishes content that was not approved since the last edit', () => {
    fc.assert(
      fc.property(paths, (events) => {
        let state = INITIAL;
        let approved = false;
        for (const event of events) {
          const next = transition(state, event);
          if (next instanceof Refusal) continue;
          if (next !== state && event.type === 'approve') approved = true;
          if (next !== state && event.type === 'edit') approved = false;
          state = next;
          const past: IssueStatus[] = ['approved', 'preparing', 'sending', 'sent', 'paused', 'failed'];
          if (past.includes(state.status) && state.resumeTo !== 'review') expect(approved).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never goes back once content may have been submitted', () => {
    const rank = (state: IssueState) =>
      ['draft', 'review', 'approved', 'preparing', 'sending', 'sent'].indexOf(state.resumeTo ?? state.status);
    fc.assert(
      fc.property(paths, (events) => {
        let state = INITIAL;
        for (const event of events) {
          const next = transition(state, event);
          if (next instanceof Refusal) continue;
          if (rank(state) >= 3 && rank(next) >= 0) expect(rank(next)).toBeGreaterThanOrEqual(rank(state));
          state = next;
        }
      }),
    );
  });
});

describe('D1: a retry', () => {
  it('opens a sent issue again, and no other', () => {
    const sent = life('submit_for_review', 'approve', 'prepare', 'start', 'finish');
    const again = transition(sent, { type: 'retry' });
    expect(again).toEqual({ status: 'sending', resumeTo: null, reason: null });
    expect(accepted(again as IssueState, 'finish')).toEqual(sent);
    expect(sourcesOf('retry')).toEqual(['sent']);
  });
});

describe('an interruption', () => {
  it.each(['pause', 'fail'] as const)('%s remembers the state, and resume returns to it', (type) => {
    for (const place of [['submit_for_review', 'approve'], ['prepare'], ['start']].map((_, index, all) =>
      life(...(all.slice(0, index + 1).flat() as EventName[])),
    )) {
      const stopped = accepted(place, type);
      expect(stopped).toEqual({
        status: type === 'pause' ? 'paused' : 'failed',
        resumeTo: place.status,
        reason: (REASONS.get(type) as { reason: string }).reason,
      });
      expect(accepted(stopped, 'resume')).toEqual(place);
    }
  });

  it('Y3: an issue that misses its slot unapproved goes on in review, and one that was approved is approved', () => {
    const miss = { type: 'miss', reason: 'nobody approved it' } as const;
    for (const place of [INITIAL, life('submit_for_review')]) {
      const missed = accepted(place, miss);
      expect(missed).toEqual({ status: 'paused', resumeTo: 'review', reason: 'nobody approved it' });
      expect(accepted(missed, 'resume').status).toBe('review');
      expect(transition(missed, { type: 'prepare' })).toBeInstanceOf(Refusal);
    }
    const approved = life('submit_for_review', 'approve');
    expect(accepted(accepted(approved, miss), 'resume')).toEqual(approved);
    expect(transition(life('submit_for_review', 'approve', 'prepare', 'start'), miss)).toBeInstanceOf(
      Refusal,
    );
  });

  it('keeps its first reason and refuses every event that would continue the issue', () => {
    const paused = accepted(life('submit_for_review', 'approve', 'prepare', 'start'), 'pause');
    expect(transition(paused, { type: 'pause', reason: 'another' })).toBe(paused);
    for (const event of ['start', 'finish', 'prepare', 'edit', 'approve', 'fail', 'skip'] as const) {
      expect(transition(paused, eventOf(event))).toBeInstanceOf(Refusal);
    }
    expect(allowedEvents(paused)).toEqual(['resume', 'cancel']);
  });

  it('does not hide a row without a remembered state', () => {
    expect(transition({ status: 'paused', resumeTo: null, reason: 'x' }, { type: 'resume' })).toBeInstanceOf(
      Refusal,
    );
  });
});

describe('an event', () => {
  it('fault 25: changes nothing the second time', () => {
    for (const state of reachable()) {
      for (const event of EVENTS) {
        const once = transition(state, event);
        if (!(once instanceof Refusal)) expect(transition(once, event)).toBe(once);
      }
    }
  });

  it('changes exactly the states in `sourcesOf`, which the desk and the SQL use', () => {
    for (const state of reachable()) {
      for (const event of EVENTS) {
        const next = transition(state, event);
        const changes = !(next instanceof Refusal) && next !== state;
        expect(sourcesOf(event.type).includes(state.status)).toBe(changes);
        expect(allowedEvents(state).includes(event.type)).toBe(changes);
      }
    }
  });

  it('that is not allowed is refused with one line that says what is possible', () => {
    const refusal = (state: IssueState, type: EventName) => transition(state, eventOf(type)) as Refusal;
    expect(refusal(INITIAL, 'approve').reason).toBe(
      'An issue that is a draft cannot be approved; possible now: submit for review, miss, skip, cancel.',
    );
    expect(refusal(life('submit_for_review', 'approve', 'prepare', 'start', 'finish'), 'cancel').reason).toBe(
      'An issue that is sent cannot be cancelled; possible now: retry.',
    );
    expect(refusal(accepted(life('submit_for_review', 'approve'), 'fail'), 'start').reason).toBe(
      'An issue that is failed while approved cannot be started; possible now: resume, cancel.',
    );
  });

  it('of cancelling stops an issue while it is sent', () => {
    expect(accepted(life('submit_for_review', 'approve', 'prepare', 'start'), 'cancel').status).toBe(
      'cancelled',
    );
  });
});
