/**
 * The life of an issue, as a pure state machine.
 *
 * ```
 *             submit_for_review          approve             prepare              start            finish
 *    draft ──────────────────▶ review ───────────▶ approved ─────────▶ preparing ─────────▶ sending ─────────▶ sent
 *      │                        │  ◀───────────────   │                    │                    │
 *      │ skip                   │ skip   edit         │ pause              │ pause              │ pause
 *      ▼                        ▼                     ▼                    ▼                    ▼
 *    skipped                 skipped                paused (remembers where it was; resume goes back there)
 *
 *    approved, preparing, sending ── fail ──▶ failed (remembers too; resume tries again)
 *    draft, review, approved ── miss ──▶ paused: its slot passed without it (a draft returns to review)
 *    every state but sent and skipped ── cancel ──▶ cancelled
 *    sent ── retry ──▶ sending: a person gives readers whom the provider refused another chance
 * ```
 *
 * | status    | what it guarantees |
 * |-----------|--------------------|
 * | draft     | composed, nobody has been asked yet; content may change |
 * | review    | an editor was asked; content may change |
 * | approved  | somebody (or `APPROVAL=auto`) answers for exactly this content; an edit takes the approval back |
 * | preparing | content is being rendered and frozen; nothing was submitted |
 * | sending   | content is frozen for good, the audience from page to page; batches are being submitted |
 * | sent      | final but for a retry: no delivery is open or uncertain and the totals balance (I2) |
 * | paused    | no new batch is claimed; what was submitted stays submitted; goes on, never starts again. One that
 *               missed its slot before it was approved returns to review |
 * | failed    | stopped by a fault that waiting does not cure; keeps its place like `paused` |
 * | cancelled | final: no new batch is claimed, ever; what was submitted stays submitted |
 * | skipped   | final: the slot passed without an issue, with the reason |
 *
 * The status column is the lock: a change is `update … where status = any(sourcesOf(event))`, and who
 * updates no row has lost the race and returns quietly. The two columns beside it follow from the event:
 * `resume_to` is the old status on `pause` and `fail` and null otherwise, `reason` is the event's or null.
 */

import type { IssueStatus } from '../platform/db/schema.ts';

/** A record, so that the compiler reports a missing status. */
const EVERY_STATUS: Record<IssueStatus, true> = {
  draft: true,
  review: true,
  approved: true,
  preparing: true,
  sending: true,
  sent: true,
  paused: true,
  cancelled: true,
  skipped: true,
  failed: true,
};

export const STATUSES = Object.keys(EVERY_STATUS) as IssueStatus[];

/** The states to which an interrupted issue can return. */
export type Resumable = Extract<IssueStatus, 'review' | 'approved' | 'preparing' | 'sending'>;

/** The three columns of an issue's row that change together. */
export interface IssueState {
  readonly status: IssueStatus;
  /** Set while paused or failed, null otherwise. */
  readonly resumeTo: Resumable | null;
  /** Why it is paused, failed or skipped, or was not approved automatically, for the editor; null otherwise. */
  readonly reason: string | null;
}

export type LifecycleEvent =
  | {
      type:
        | 'submit_for_review'
        | 'approve'
        | 'edit'
        | 'prepare'
        | 'start'
        | 'finish'
        | 'retry'
        | 'resume'
        | 'cancel';
    }
  | { type: 'pause' | 'miss' | 'skip' | 'fail'; reason: string };
export type EventName = LifecycleEvent['type'];

/**
 * The result of an event that is not allowed. `reason` is one line for a person: the problem, and which actions are
 * possible.
 */
export class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

interface Rule {
  from: readonly IssueStatus[];
  /** `back` = to the state in `resume_to`. */
  to: IssueStatus | 'back';
  /** States in which the event has already had its effect: repeating it changes nothing and is no error. */
  done: readonly IssueStatus[];
  /** The participle in a refusal: "cannot be approved". */
  participle: string;
}

const RUNNING: readonly Resumable[] = ['approved', 'preparing', 'sending'];

/** Somebody answers for the content, and it goes out or will. */
export const RUNNING_STATUSES: readonly IssueStatus[] = RUNNING;

const RULES: Record<EventName, Rule> = {
  submit_for_review: { from: ['draft'], to: 'review', done: ['review'], participle: 'submitted for review' },
  approve: { from: ['review'], to: 'approved', done: [...RUNNING, 'sent'], participle: 'approved' },
  edit: { from: ['approved'], to: 'review', done: ['draft', 'review'], participle: 'edited' },
  prepare: {
    from: ['approved'],
    to: 'preparing',
    done: ['preparing', 'sending', 'sent'],
    participle: 'prepared',
  },
  start: { from: ['preparing'], to: 'sending', done: ['sending', 'sent'], participle: 'started' },
  finish: { from: ['sending'], to: 'sent', done: ['sent'], participle: 'finished' },
  retry: { from: ['sent'], to: 'sending', done: ['sending'], participle: 'sent again to those who failed' },
  pause: { from: RUNNING, to: 'paused', done: ['paused'], participle: 'paused' },
  miss: {
    from: ['draft', 'review', 'approved'],
    to: 'paused',
    done: ['paused'],
    participle: 'paused for its missed slot',
  },
  resume: { from: ['paused', 'failed'], to: 'back', done: ['review', ...RUNNING], participle: 'resumed' },
  fail: { from: RUNNING, to: 'failed', done: ['failed'], participle: 'marked as failed' },
  skip: { from: ['draft', 'review'], to: 'skipped', done: ['skipped'], participle: 'skipped' },
  cancel: {
    from: ['draft', 'review', ...RUNNING, 'paused', 'failed'],
    to: 'cancelled',
    done: ['cancelled'],
    participle: 'cancelled',
  },
};

const EVENTS = Object.keys(RULES) as EventName[];

/** A new issue. */
export const INITIAL: IssueState = { status: 'draft', resumeTo: null, reason: null };

/**
 * Returns the state after `event`; the same object when the event changes nothing (approved twice, cancelled
 * twice); a {@link Refusal} when it is not allowed.
 */
export function transition(state: IssueState, event: LifecycleEvent): IssueState | Refusal {
  const rule = RULES[event.type];
  if (rule.done.includes(state.status)) return state;
  if (!rule.from.includes(state.status)) return refuse(state, rule);
  const reason = 'reason' in event ? event.reason : null;
  if (rule.to !== 'back') {
    return {
      status: rule.to,
      resumeTo: interrupts(event.type) ? placeOf(state.status as Resumable | 'draft') : null,
      reason,
    };
  }
  if (state.resumeTo === null)
    return new Refusal(`A ${state.status} issue that forgot its place cannot be resumed; cancel it.`);
  return { status: state.resumeTo, resumeTo: null, reason: null };
}

/** Returns the statuses that `event` can change: for `update … where status = any(…)`. */
export function sourcesOf(event: EventName): IssueStatus[] {
  return [...RULES[event].from];
}

/** Returns the events that would change an issue in this state, in the order of its life: the desk's buttons. */
export function allowedEvents(state: IssueState): EventName[] {
  return EVENTS.filter((event) => RULES[event].from.includes(state.status));
}

/** Whether the status is final: nothing but a person's retry changes it. */
export function isTerminal(status: IssueStatus): boolean {
  return EVENTS.every((event) => event === 'retry' || !RULES[event].from.includes(status));
}

/** Statuses that are not final: such an issue may still need a person. */
export const OPEN_STATUSES: readonly IssueStatus[] = STATUSES.filter((status) => !isTerminal(status));

function interrupts(event: EventName): boolean {
  return event === 'pause' || event === 'miss' || event === 'fail';
}

/** Where an interrupted issue goes on: what is still a draft is then looked at by a person. */
function placeOf(status: Resumable | 'draft'): Resumable {
  return status === 'draft' ? 'review' : status;
}

function refuse(state: IssueState, rule: Rule): Refusal {
  const possible = allowedEvents(state).map((event) => event.replaceAll('_', ' '));
  const next =
    possible.length > 0 ? `possible now: ${possible.join(', ')}` : 'nothing can change it any more';
  return new Refusal(`An issue that is ${describe(state)} cannot be ${rule.participle}; ${next}.`);
}

function describe({ status, resumeTo }: IssueState): string {
  if (status === 'draft') return 'a draft';
  if (status === 'review') return 'in review';
  return resumeTo === null ? status : `${status} while ${resumeTo}`;
}
