import type { Connection } from '../../platform/db/database.ts';
import type { BatchStatus } from '../../platform/db/schema.ts';
import type { ProviderEvent } from '../../providers/port.ts';
import { settleAccepted } from '../settlements/settlement-store.ts';
import {
  addCounters,
  beginApplying,
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
  writeClicks,
  writeDeliveries,
} from './event-store.ts';
import { countersOf, type OutcomeCounters, type Suppression, stateAfter, suppression } from './outcome.ts';

/** Events in one transaction: enough that a round trip costs nothing, few enough that nobody waits for it. */
const CHUNK = 1_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An event about a message that nobody knows: longer than any commit of ours could take. */
const UNKNOWN_FOR_MS = 3 * DAY_MS;

/** An event about a message whose own answer is still awaited: as long as the provider keeps its records. */
const UNANSWERED_FOR_MS = 30 * DAY_MS;

export interface Applied {
  applied: number;
  /** Left for later: they came before our own commit. */
  parked: number;
  /** Given up: nobody here knows their messages. */
  unmatched: number;
  /** People who are off the list because of it. */
  suppressed: number;
  /** Batches that an event settled. */
  settled: { id: string; issueId: string }[];
}

/**
 * Applies every event that is due, a thousand to a transaction, until none is left. Somebody else may be
 * doing it already: then there is nothing to do.
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

/** One transaction of it. @returns null when nothing was due, or somebody else is at it. */
export async function applyChunk(tx: Connection): Promise<Applied | null> {
  if (!(await beginApplying(tx))) return null;
  const events = await dueEvents(tx, CHUNK);
  if (events.length === 0) return null;

  await findSubjects(tx, events);
  const { entries, settled } = await readLedger(tx, events);
  const mails = await readMails(
    tx,
    new Map(events.flatMap(({ mailId, providerId }) => (mailId ? [[mailId, providerId]] : []))),
  );
  const looks: EventResult[] = [];
  const told = new Map<LedgerEntry, DueEvent[]>();
  const reasons = new Map<string, Suppression>();
  for (const event of events) {
    const entry = entries.get(event.deliveryId ?? '');
    const mail = mails.get(event.mailId ?? '');
    const subscriberId = entry?.subscriberId ?? event.subscriberId ?? mail?.subscriberId;
    const isKnown = entry !== undefined || mail !== undefined || isAboutAddress(event);
    const waits = !isKnown || (entry ? isOpen(entry) : mail?.isOpen);
    const reason = suppression(event);
    // A complaint counts at once. A bounce waits with the rest: who is off the list keeps us from asking for the answer
    // again, and to that address the provider itself sends nothing more.
    const isNews = reason === 'complained' || (!waits && !reasons.has(subscriberId ?? ''));
    if (subscriberId && reason !== null && isNews) reasons.set(subscriberId, reason);
    if (waits) {
      looks.push(reschedule(event, isKnown));
      continue;
    }
    looks.push({ id: event.id, outcome: 'applied', waitMs: null });
    if (entry !== undefined) told.set(entry, [...(told.get(entry) ?? []), event]);
  }

  await writeLedger(tx, told);
  const suppressed = await suppressSubscribers(tx, reasons, 'provider');
  await markEvents(tx, looks);
  const count = (outcome: EventResult['outcome']) => looks.filter((look) => look.outcome === outcome).length;
  return {
    applied: count('applied'),
    parked: count(null),
    unmatched: count('unmatched'),
    suppressed,
    settled,
  };
}

/** Whether it tells of an address that we know, and of no message. */
function isAboutAddress({ kind, subscriberId }: DueEvent): boolean {
  return kind === 'suppressed' && subscriberId !== null;
}

/** Whether the provider's own answer is still awaited; the event waits for it too. */
function isOpen({ status }: LedgerEntry): boolean {
  return status === 'prepared' || status === 'uncertain';
}

/** Looks again the less often, the longer it was in vain; in the end it is given up. */
function reschedule({ id, ageMs }: DueEvent, isKnown: boolean): EventResult {
  if (ageMs > (isKnown ? UNANSWERED_FOR_MS : UNKNOWN_FOR_MS))
    return { id, outcome: 'unmatched', waitMs: null };
  return { id, outcome: null, waitMs: Math.min(Math.max(ageMs / 2, 2_000), HOUR_MS) };
}

/**
 * Finds the deliveries that events are about: by our own tag, or else by whom the message went to and the
 * provider's id of it. Fills `deliveryId` where it was missing.
 */
async function findSubjects(tx: Connection, events: DueEvent[]): Promise<void> {
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
 * The deliveries that events are about. An event proves that its message was accepted, and with it the
 * whole request: a batch without an answer is settled by it.
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
    if (entry !== undefined && kind !== 'suppressed' && WITHOUT_ANSWER.has(entry.batchStatus))
      proven.set(entry.batchId, `event ${id}`);
  }
  const settled = await settleAccepted(tx, proven, 'settled by an event of the provider: it was accepted');
  const closed = new Set(settled.map(({ id }) => id));
  const changed = [...entries.values()].filter(({ batchId }) => closed.has(batchId));
  if (changed.length > 0) await read(changed.map(({ id }) => id));
  return { entries, settled };
}

/** `submitting` is not among them: its answer is on its way, and tells more than an event does. */
const WITHOUT_ANSWER = new Set<BatchStatus>(['uncertain', 'pending', 'failed']);

/** Deliveries, clicks and figures, after what was told of each delivery. */
async function writeLedger(tx: Connection, told: ReadonlyMap<LedgerEntry, ProviderEvent[]>): Promise<void> {
  const figures = new Map<string, OutcomeCounters>();
  const written = [];
  const clicks = new Map<string, Click>();
  for (const [entry, events] of told) {
    const state = stateAfter(entry, events, entry.claimedAt);
    written.push({ ...state, id: entry.id });
    const sum = figures.get(entry.issueId) ?? { ...NOTHING };
    const was = countersOf(entry);
    const is = countersOf(state);
    for (const key of FIGURES) sum[key] += is[key] - was[key];
    figures.set(entry.issueId, sum);
    for (const event of events) if (event.kind === 'clicked') addClick(clicks, entry, event);
  }
  if (written.length === 0) return;
  await writeDeliveries(tx, written);
  for (const [issueId, sum] of figures) if (FIGURES.every((key) => sum[key] === 0)) figures.delete(issueId);
  await addCounters(tx, figures);
  if (clicks.size > 0) await writeClicks(tx, [...clicks.values()]);
}

const NOTHING: OutcomeCounters = {
  ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0 },
  ...{ complained: 0, failed: 0, opened: 0 },
};
const FIGURES = Object.keys(NOTHING) as (keyof OutcomeCounters)[];

/** Clicks on one link in one mail are one row: the first, the last, and whether a reader was among them. */
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
