import { findIssue, type Issue, listIssues } from '../issues/issue-store.ts';
import { OPEN_STATUSES } from '../issues/lifecycle.ts';
import { dueSlot, type Slot } from '../issues/slot.ts';
import { installedAt } from '../platform/db/database.ts';
import type { FaultKind } from '../platform/faults.ts';
import { QUEUE_NAMES } from '../platform/queue/contracts.ts';
import { within } from '../platform/within.ts';
import { circuitState } from '../providers/circuit/circuit-store.ts';
import { failingDuties, NOTIFY_AFTER, reconciledAt } from './duty-store.ts';
import { PROVIDER_AWAY_MS } from './notice-rules.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Whether the installation does its work, and not only answers: for a check from outside, which notices also what no
 * mail of ours can tell. Numbers, slugs and times only: everybody may read it.
 */
export interface Health {
  /** `failing`: something in `failing` needs a person. */
  status: 'ok' | 'failing';
  failing: HealthPart[];
  database: boolean;
  /** What database and queue refuse now. */
  faults: FaultKind[];
  queue: { isAvailable: boolean; oldestSeconds: number };
  /** The recurring duties of a worker; null: they were never done. */
  reconcile: { ageSeconds: number; failingDuties: number } | null;
  /** The slot that is not served; lateSeconds is 0 when there is none. */
  slot: { slug: string | null; lateSeconds: number };
  provider: { awaySeconds: number };
  /** null: none was sent yet. */
  lastIssue: { slug: string; slot: string; sentAt: Date | null } | null;
}

export type HealthPart = 'database' | 'disk' | 'queue' | 'reconcile' | 'duties' | 'slot' | 'provider';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** They are done every minute; a gathering before a draft may take ten. */
export const RECONCILE_AGE_MS = 20 * MINUTE_MS;

/** A job that waits for a worker for so long, other than a batch of an issue, waits in vain. */
export const QUEUE_AGE_MS = 15 * MINUTE_MS;

/** The queue is asked in the way of requests: one that is stopped counts as not there. */
export const QUEUE_PATIENCE_MS = 1_000;

/** A slot may be late by this much while the program works on its issue. */
export const STARTING_MS = 15 * MINUTE_MS;
export const SENDING_MS = 120 * MINUTE_MS;

/** Reads everything anew, in about ten short statements. */
export async function checkHealth(
  app: Pick<WeekContext, 'db' | 'queue' | 'config' | 'clock' | 'faults'>,
): Promise<Health> {
  const { db, queue, config, clock } = app;
  const now = clock();
  const health = unavailable();
  const [doneAt, failing, circuit, open, [last], since] = await Promise.all([
    reconciledAt(db),
    failingDuties(db),
    circuitState(db),
    listIssues(db, { status: [...OPEN_STATUSES] }),
    listIssues(db, { status: ['sent'], limit: 1 }),
    installedAt(db),
  ]);
  health.database = true;
  const duties = Object.values(failing).filter((failures) => failures >= NOTIFY_AFTER).length;
  if (doneAt !== null)
    health.reconcile = { ageSeconds: seconds(now.getTime() - doneAt.getTime()), failingDuties: duties };
  health.provider.awaySeconds = circuit.isOpen ? Math.round(circuit.unresponsiveSeconds) : 0;
  if (last !== undefined) health.lastIssue = { slug: last.slug, slot: last.slot, sentAt: last.finishedAt };
  const due = dueSlot(config.schedule, now, { since });
  const latest = due === null ? null : { slot: due.slot, issue: await findIssue(db, { slot: due.slot.key }) };
  const late = findLateSlot(open, latest, now);
  if (late !== null) health.slot = { slug: late.slug, lateSeconds: seconds(late.lateMs) };

  const oldest = await within(QUEUE_PATIENCE_MS, oldestWaitingMs(queue)).catch(() => null);
  if (oldest !== null) health.queue = { isAvailable: true, oldestSeconds: seconds(oldest) };

  const faults = await app.faults.probe();
  health.faults = faults.map(({ kind }) => kind);
  const parts: [HealthPart, boolean][] = [
    ['disk', health.faults.includes('disk-full')],
    ['queue', health.faults.includes('redis-full') || oldest === null || oldest > QUEUE_AGE_MS],
    ['reconcile', doneAt === null || now.getTime() - doneAt.getTime() > RECONCILE_AGE_MS],
    ['duties', duties > 0],
    ['slot', late?.isExcused === false],
    ['provider', health.provider.awaySeconds * SECOND_MS >= PROVIDER_AWAY_MS],
  ];
  health.failing = parts.filter(([, isFailing]) => isFailing).map(([part]) => part);
  health.status = health.failing.length === 0 ? 'ok' : 'failing';
  return health;
}

/** For how long the oldest waiting job has waited; the batches of a long list may wait for hours, and do not count. */
async function oldestWaitingMs(queue: WeekContext['queue']): Promise<number> {
  let oldest = 0;
  for (const name of QUEUE_NAMES) {
    const age = await queue.oldestWaitingMs(name);
    if (name !== 'delivery') oldest = Math.max(oldest, age ?? 0);
  }
  return oldest;
}

/** What is known when the database gives no answer, or nothing does. */
export function unavailable(): Health {
  return {
    ...{
      status: 'failing',
      failing: ['database', 'queue'],
      database: false,
      faults: [],
      reconcile: null,
      lastIssue: null,
    },
    queue: { isAvailable: false, oldestSeconds: 0 },
    slot: { slug: null, lateSeconds: 0 },
    provider: { awaySeconds: 0 },
  };
}

const seconds = (ms: number) => Math.max(0, Math.round(ms / SECOND_MS));

/** A slot that has passed without its issue, or without all of it. */
export interface LateSlot {
  slug: string;
  lateMs: number;
  /** The program is at work on it, and not for too long. */
  isExcused: boolean;
}

/**
 * Returns the slot that is late for longest; null when every slot was served, skipped or cancelled. An older issue whose
 * comparisons the latest slot may carry is not late any more, and one that was sent and is tried again with some readers
 * was not late.
 * @param open issues that are not final.
 * @param latest the latest slot, with its issue if it has one; null before the first.
 */
export function findLateSlot(
  open: readonly Pick<Issue, 'slug' | 'slot' | 'status' | 'dueAt' | 'lateAt' | 'finishedAt'>[],
  latest: { slot: Slot; issue: Pick<Issue, 'slug'> | undefined } | null,
  now: Date,
): LateSlot | null {
  const late = open
    .filter(({ finishedAt }) => finishedAt === null)
    .filter(({ dueAt, lateAt, slot }) => dueAt <= now && (lateAt === null || slot === latest?.slot.key))
    .map(({ slug, status, dueAt }) => {
      const lateMs = now.getTime() - dueAt.getTime();
      return { slug, lateMs, isExcused: lateMs <= (EXCUSED_MS[status] ?? -1) };
    });
  if (latest !== null && latest.issue === undefined) {
    const lateMs = now.getTime() - latest.slot.dueAt.getTime();
    late.push({ slug: latest.slot.key, lateMs, isExcused: lateMs <= STARTING_MS });
  }
  // One that needs a person counts before one that is being sent.
  late.sort((a, b) => Number(a.isExcused) - Number(b.isExcused) || b.lateMs - a.lateMs);
  return late[0] ?? null;
}

/** For how long an issue in this status may be late. */
const EXCUSED_MS: Partial<Record<Issue['status'], number>> = {
  draft: STARTING_MS,
  review: STARTING_MS,
  approved: STARTING_MS,
  preparing: STARTING_MS,
  sending: SENDING_MS,
};

const PATIENCE_MS = 3_000;
const FRESH_MS = 5_000;

/**
 * Returns a health check that anybody may call as often as they like: its answer is kept for some seconds, one check runs
 * at a time, and one that hangs is answered as failing.
 */
export function cachedHealth(
  check: () => Promise<Health>,
  { freshMs = FRESH_MS, patienceMs = PATIENCE_MS, now = () => performance.now() } = {},
): () => Promise<Health> {
  let kept: { health: Health; at: number } | undefined;
  let running: Promise<Health> | undefined;
  return async () => {
    if (kept !== undefined && now() - kept.at < freshMs) return kept.health;
    running ??= check()
      .catch(unavailable)
      .then((health) => {
        kept = { health, at: now() };
        running = undefined;
        return health;
      });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<Health>((resolve) => {
      timer = setTimeout(() => resolve(unavailable()), patienceMs);
    });
    try {
      return await Promise.race([running, patience]);
    } finally {
      clearTimeout(timer);
    }
  };
}
