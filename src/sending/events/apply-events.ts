import type { Connection } from '../../platform/db/database.ts';
import type { BatchStatus } from '../../platform/db/schema.ts';
import type { ProviderEvent } from '../../providers/port.ts';
import { settleAccepted } from '../settlements/settlement-store.ts';
import {
  addCounters,
  type Click,
  type DueEvent,
  dueEvents,
  type EventResult,
  findByProvider,
  type LedgerEntry,
  markEvents,
  readDeliveries,
  readMails,
  suppressSubscribers,
  tryLockApplying,
  writeClicks,
  writeDeliveries,
} from './event-store.ts';
import { countersOf, type OutcomeCounters, type Suppression, stateAfter, suppression } from './outcome.ts';

/**
 * Events in one transaction: enough that the cost of a round trip does not matter, few enough that other
 * transactions do not wait for it.
 */
const CHUNK = 1_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long to retry an event about an unknown message: longer than any of our transactions could take to commit. */
const UNKNOWN_FOR_MS = 3 * DAY_MS;

/**
 * How long to retry an event about a message whose response is still awaited: as long as the provider keeps its
 * records.
 */
const UNANSWERED_FOR_MS = 30 * DAY_MS;

export interface Applied {
  applied: number;
  /** Rescheduled: they arrived before our own transaction committed. */
  parked: number;
  /** Given up: their messages are unknown here. */
  unmatched: number;
  /** Subscribers who were suppressed because of these events. */
  suppressed: number;
  /** Batches that an event settled. */
  settled: { id: string; issueId: string }[];
}

/**
 * Applies all due events, a thousand in each transaction. Returns at once when another process is already doing it.
 * @param signal stops it between two transactions.
 */
export async function applyEvents(db: Connection, signal?: AbortSignal): Promise<Applied> {
  const sum: Applied = { applied: 0, parked: 0, unmatched: 0, suppressed: 0, settled: [] };
  while (!signal?.aborted) {
    const chunk = await db.transaction().execute(applyChunk);
    if (chunk === null) break;
    sum.applied += chunk.applied;
    sum.parked += chunk.parked;
    sum.unmatched += chunk.unmatched;
    sum.suppressed += chunk.suppressed;
    sum.settled.push(...chunk.settled);
  }
  return sum;
}

/** Applies one chunk. @returns null when no event was due, or another process holds the lock. */
export async function applyChunk(tx: Connection): Promise<Applied | null> {
  if (!(await tryLockApplying(tx))) return null;
  const events = await dueEvents(tx, CHUNK);
  if (events.length === 0) return null;

  await findDeliveries(tx, events);
  const { entries, settled } = await readLedger(tx, events);
  const mails = await readMails(
    tx,
    new Map(events.flatMap(({ mailId, providerId }) => (mailId ? [[mailId, providerId]] : []))),
  );
  const results: EventResult[] = [];
  const eventsByDelivery = new Map<LedgerEntry, DueEvent[]>();
  const reasons = new Map<string, Suppression>();
  for (const event of events) {
    const entry = entries.get(event.deliveryId ?? '');
    const mail = mails.get(event.mailId ?? '');
    const subscriberId = entry?.subscriberId ?? event.subscriberId ?? mail?.subscriberId;
    const isKnown = entry !== undefined || mail !== undefined || isAboutAddress(event);
    const waits = !isKnown || (entry ? isAwaitingResponse(entry) : mail?.isOpen);
    const reason = suppression(event);
    // A complaint about our mail counts at once; one account may send for other products too. A bounce waits until the
    // response is known. Meanwhile the provider itself sends nothing to that address.
    const isDecided = (reason === 'complained' && isKnown) || (!waits && !reasons.has(subscriberId ?? ''));
    if (subscriberId && reason !== null && isDecided) reasons.set(subscriberId, reason);
    if (waits) {
      results.push(reschedule(event, isKnown));
      continue;
    }
    results.push({ id: event.id, outcome: 'applied', waitMs: null });
    if (entry !== undefined) eventsByDelivery.set(entry, [...(eventsByDelivery.get(entry) ?? []), event]);
  }

  await writeLedger(tx, eventsByDelivery);
  const suppressed = await suppressSubscribers(tx, reasons, 'provider');
  await markEvents(tx, results);
  const count = (outcome: EventResult['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    applied: count('applied'),
    parked: count(null),
    unmatched: count('unmatched'),
    suppressed,
    settled,
  };
}

/** Whether the event is about a known address, and about no message. */
function isAboutAddress({ kind, subscriberId }: DueEvent): boolean {
  return kind === 'suppressed' && subscriberId !== null;
}

/** Whether the provider's response is still awaited; then the event waits for it too. */
function isAwaitingResponse({ status }: LedgerEntry): boolean {
  return status === 'prepared' || status === 'uncertain';
}

/** Schedules the next attempt: the older the event, the longer the wait, until it is given up. */
function reschedule({ id, ageMs }: DueEvent, isKnown: boolean): EventResult {
  if (ageMs > (isKnown ? UNANSWERED_FOR_MS : UNKNOWN_FOR_MS))
    return { id, outcome: 'unmatched', waitMs: null };
  return { id, outcome: null, waitMs: Math.min(Math.max(ageMs / 2, 2_000), HOUR_MS) };
}

/**
 * Finds the deliveries that untagged events are about, by the subscriber and the provider's message id. Fills in
 * their `deliveryId`.
 */
async function findDeliveries(tx: Connection, events: DueEvent[]): Promise<void> {
  const untagged = events.filter(({ deliveryId, mailId }) => deliveryId === null && mailId === null);
  const found = await findByProvider(
    tx,
    untagged.flatMap(({ providerId, subscriberId }) =>
      providerId === null || subscriberId === null ? [] : [{ providerId, subscriberId }],
    ),
  );
  for (const event of untagged) event.deliveryId = found.get(event.providerId ?? '') ?? null;
}

/**
 * Reads the deliveries that events are about. An event proves that its message was accepted, and with it the whole
 * request: it settles a batch without a response.
 */
async function readLedger(tx: Connection, events: readonly DueEvent[]) {
  const entries = new Map<string, LedgerEntry>();
  const read = async (ids: Iterable<string>) => {
    for (const entry of await readDeliveries(tx, [...ids])) entries.set(entry.id, entry);
  };
  await read(new Set(events.flatMap(({ deliveryId }) => deliveryId ?? [])));

  const proven = new Map<string, string>();
  for (const { id, kind, deliveryId } of events) {
    const entry = entries.get(deliveryId ?? '');
    if (entry !== undefined && kind !== 'suppressed' && WITHOUT_RESPONSE.has(entry.batchStatus))
      proven.set(entry.batchId, `event ${id}`);
  }
  const settled = await settleAccepted(tx, proven, 'settled by an event of the provider: it was accepted');
  const closed = new Set(settled.map(({ id }) => id));
  const changed = [...entries.values()].filter(({ batchId }) => closed.has(batchId));
  if (changed.length > 0) await read(changed.map(({ id }) => id));
  return { entries, settled };
}

/** `submitting` is not among them: its response is still on its way, and says more than an event. */
const WITHOUT_RESPONSE = new Set<BatchStatus>(['uncertain', 'pending', 'failed']);

/** Writes deliveries, clicks and counters after the events of each delivery. */
async function writeLedger(
  tx: Connection,
  eventsByDelivery: ReadonlyMap<LedgerEntry, ProviderEvent[]>,
): Promise<void> {
  const changes = new Map<string, OutcomeCounters>();
  const written = [];
  const clicks = new Map<string, Click>();
  for (const [entry, events] of eventsByDelivery) {
    const state = stateAfter(entry, events, entry.claimedAt);
    written.push({ ...state, id: entry.id });
    const sum = changes.get(entry.issueId) ?? { ...ZERO };
    const was = countersOf(entry);
    const is = countersOf(state);
    for (const key of COUNTER_NAMES) sum[key] += is[key] - was[key];
    changes.set(entry.issueId, sum);
    for (const event of events) if (event.kind === 'clicked') addClick(clicks, entry, event);
  }
  if (written.length === 0) return;
  await writeDeliveries(tx, written);
  for (const [issueId, sum] of changes)
    if (COUNTER_NAMES.every((key) => sum[key] === 0)) changes.delete(issueId);
  await addCounters(tx, changes);
  if (clicks.size > 0) await writeClicks(tx, [...clicks.values()]);
}

const ZERO: OutcomeCounters = {
  ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0 },
  ...{ complained: 0, failed: 0, opened: 0 },
};
const COUNTER_NAMES = Object.keys(ZERO) as (keyof OutcomeCounters)[];

/**
 * All clicks on one link of one delivery are one row: the first time, the last time, and whether only scanners
 * clicked.
 */
function addClick(clicks: Map<string, Click>, entry: LedgerEntry, event: ProviderEvent): void {
  const link = event.link ?? '';
  const key = `${entry.id} ${link}`;
  const known = clicks.get(key);
  clicks.set(key, {
    deliveryId: entry.id,
    issueId: entry.issueId,
    link,
    firstAt: known && known.firstAt < event.at ? known.firstAt : event.at,
    lastAt: known && known.lastAt > event.at ? known.lastAt : event.at,
    isScanner: event.isScanner && (known?.isScanner ?? true),
  });
}
