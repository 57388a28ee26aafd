import { contracts } from '../../src/platform/queue/contracts.ts';
import {
  FAILURES_TO_OPEN,
  LONGEST_PAUSE_SECONDS,
  PAUSE_SECONDS,
  PROBE_MS,
} from '../../src/providers/circuit/circuit-store.ts';
import { isResponse } from '../../src/providers/circuit/is-response.ts';
import { REPLAY_HOURS } from '../../src/providers/port.ts';
import { BATCH_SIZE } from '../../src/sending/audience/audience-store.ts';
import {
  FREE_REFUSALS,
  isRefusalOfAll,
  sizeOfFirstPart,
  suspiciousRefusals,
} from '../../src/sending/refusals/refusals.ts';
import { LEASE_MS } from '../../src/sending/submit.ts';
import { type Random, random } from '../year/random.ts';
import { type Answered, ModelProvider, type Weather } from './provider.ts';

/**
 * The sending of one issue by a virtual clock. Real: how an answer is classified, when refusals stop an issue, how a
 * batch is split, and every limit in time. Modelled: the database, as one object a batch; the queue; the provider.
 */
export interface Scenario extends Weather {
  readers: number;
  seed: number;
  workers: number;
  /** How often a worker is killed, on average; 0: never. */
  killEveryMinutes: number;
  /** The part of all readers that leaves within an hour. */
  leavingPerHour: number;
  /** The part of addresses that the provider refuses. */
  badAddresses: number;
}

export interface Report {
  status: 'sent' | 'paused' | 'waits for a person';
  /** Of the virtual clock: to the last answer. */
  ms: number;
  requests: number;
  /** Requests under a key that was asked for before. */
  repeated: number;
  limited: number;
  conflicts: number;
  kills: number;
  splits: number;
  mailed: number;
  /** Left before a request with them began. */
  left: number;
  /** Of these, everybody of their batch had left after a request without an answer: it may have been accepted. */
  leftUnasked: number;
  failed: number;
  uncertain: number;
  /** Readers of an issue that was paused, who are mailed after `resume`. */
  waiting: number;
  /** The provider accepted so many more than the ledger says, when the issue ended. */
  doubled: number;
  /** Of readers who left, counted as mailed before they left, but were not. */
  overcounted: number;
  /** In no column. */
  lost: number;
  /** Peak heap of this model, in bytes. */
  memory: number;
}

interface Batch {
  id: number;
  revision: number;
  members: number;
  /** Of them left since the first request under this key: they are not in the next one. */
  leavers: number;
  bad: number;
  /** What became of the parts of the batch that it was split from. */
  origin: { isAccepted: boolean; refused: number };
  /** Members of the first request under this key; 0: none was made. */
  asked: number;
  claimedAt: number;
  leaseUntil: number;
  attempts: number;
  jobs: number;
  lookedAt: number;
  /** Numbers each lease, so that a late answer changes nothing. */
  lease: number;
  where: 'queue' | 'flight' | 'later' | 'parked' | 'closed';
}

const CONCURRENCY = 8;
/** As in src/sending/submit.ts: a refusal at a replay is no proof. */
const REFUSED_REPLAYS = 5;
const MINUTE_MS = 60_000;

export function simulate(scenario: Scenario): Report {
  const draws = (name: string) => random(scenario.seed, name);
  const [leaving, crashes, jitter] = [draws('leaving'), draws('crashes'), draws('jitter')];
  const provider = new ModelProvider(scenario, draws('provider'));
  const events = new Agenda();
  const queue: Batch[] = [];
  let head = 0;
  let now = 0;
  let open = 0;
  let pausedUntil = 0;
  let nextStart = 0;
  let status = 'sent' as Report['status'];
  const circuit = { failures: 0, openUntil: 0 };
  const run = { requests: 0, readers: 0 };
  const refused: Batch[] = [];
  const report: Report = {
    ...{ status, ms: 0, requests: 0, repeated: 0, limited: 0, conflicts: 0, kills: 0, splits: 0 },
    ...{ mailed: 0, left: 0, leftUnasked: 0, failed: 0, uncertain: 0, waiting: 0, doubled: 0 },
    ...{ overcounted: 0, lost: 0, memory: 0 },
  };
  const all = new Set<Batch>();
  const flights: Set<Batch>[] = Array.from({ length: scenario.workers }, () => new Set());
  let ids = 0;
  const make = (
    members: number,
    bad: number,
    revision = 1,
    origin = { isAccepted: false, refused: 0 },
  ): Batch => {
    ids += 1;
    const batch: Batch = {
      ...{
        id: ids,
        revision,
        members,
        leavers: 0,
        bad,
        origin,
        asked: 0,
        claimedAt: 0,
        leaseUntil: 0,
        attempts: 0,
        jobs: 0,
      },
      ...{ lookedAt: now, lease: 0, where: 'parked' },
    };
    all.add(batch);
    open += 1;
    return batch;
  };
  const enqueue = (batch: Batch) => {
    batch.where = 'queue';
    queue.push(batch);
  };
  const close = (batch: Batch) => {
    batch.where = 'closed';
    all.delete(batch);
    open -= 1;
    report.ms = now;
  };

  const bads = draws('addresses');
  for (let rest = scenario.readers; rest > 0; rest -= BATCH_SIZE) {
    const members = Math.min(BATCH_SIZE, rest);
    enqueue(make(members, poisson(bads, members * scenario.badAddresses)));
  }

  /** A request starts from the pace of issues: one a second is left for confirm mails. */
  const gapMs = 1_000 / Math.max(1, scenario.ratePerSecond - 1);
  const pump = () => {
    if (now < pausedUntil || now < nextStart) return;
    const worker = flights.find((flight) => flight.size < CONCURRENCY);
    if (worker === undefined || head >= queue.length) return;
    const batch = queue[head] as Batch;
    head += 1;
    if (head > 10_000) {
      queue.splice(0, head);
      head = 0;
    }
    nextStart = now + gapMs;
    begin(batch, worker);
    events.add(nextStart, pump);
  };

  const exclude = (batch: Batch, count: number) => {
    batch.members -= count;
    batch.bad = Math.min(batch.bad, batch.members);
    report.left += count;
  };

  const begin = (batch: Batch, worker: Set<Batch>) => {
    if (batch.where !== 'queue') return;
    if (batch.leaseUntil > now) {
      batch.where = 'parked';
      return;
    }
    const isReplay = batch.asked > 0;
    if (isReplay && now - batch.claimedAt > REPLAY_HOURS * 60 * MINUTE_MS) {
      report.uncertain += batch.members;
      status = 'waits for a person';
      close(batch);
      return;
    }
    const isOpen = circuit.openUntil > 0;
    if (isOpen && circuit.openUntil > now) {
      batch.where = 'later';
      pausedUntil = now + PROBE_MS;
      events.add(pausedUntil, () => {
        enqueue(batch);
        pump();
      });
      return;
    }
    if (isOpen) circuit.openUntil = now + LEASE_MS;
    const hours = (now - batch.lookedAt) / (60 * MINUTE_MS);
    const there = batch.members - batch.leavers;
    const gone = Math.min(there, poisson(leaving, there * (1 - Math.exp(-scenario.leavingPerHour * hours))));
    batch.lookedAt = now;
    // Who leaves before the first request is excluded at once; later, the answer says what became of them.
    if (isReplay) batch.leavers += gone;
    else exclude(batch, gone);
    const size = batch.members - batch.leavers;
    if (size === 0) {
      if (isReplay) report.leftUnasked += batch.members;
      exclude(batch, batch.leavers);
      return close(batch);
    }
    if (isReplay) report.repeated += 1;
    else {
      batch.asked = size;
      batch.claimedAt = now;
    }
    batch.leaseUntil = now + LEASE_MS;
    batch.attempts += 1;
    batch.lease += 1;
    batch.where = 'flight';
    worker.add(batch);
    const { lease } = batch;
    const hasRun = run.requests > 0;
    const bad = Math.min(batch.bad, size);
    const answered = provider.submit({ key: `${batch.id}/${batch.revision}`, size, bad }, now);
    events.add(now + answered.ms, () => {
      if (!worker.has(batch) || batch.lease !== lease) return;
      worker.delete(batch);
      record(batch, answered, { isReplay, hasRun, isProbe: isOpen });
      pump();
    });
  };

  const again = (batch: Batch) => {
    batch.leaseUntil = 0;
    batch.jobs += 1;
    if (batch.jobs >= contracts.submit.attempts) {
      batch.jobs = 0;
      batch.where = 'parked';
      return;
    }
    batch.where = 'later';
    const delay = contracts.submit.backoffMs * 2 ** (batch.jobs - 1) * (1 - 0.5 * jitter.draw());
    events.add(now + delay, () => {
      enqueue(batch);
      pump();
    });
  };
  /** Certainly not accepted: it begins anew under another key, unless an earlier request under this one may have been. */
  const reopen = (batch: Batch, isReplay: boolean) => {
    batch.leaseUntil = 0;
    if (isReplay) return;
    batch.revision += 1;
    batch.asked = 0;
  };
  const noResponse = (batch: Batch, isProbe: boolean) => {
    if (circuit.openUntil === 0 || isProbe) {
      circuit.failures += 1;
      const over = circuit.failures - FAILURES_TO_OPEN;
      const pause = Math.min(PAUSE_SECONDS * 2 ** Math.min(over, 20), LONGEST_PAUSE_SECONDS);
      if (over >= 0) circuit.openUntil = now + pause * 1_000 * (0.75 + jitter.draw() / 2);
    }
    again(batch);
  };
  const stop = () => {
    for (const { members } of refused.splice(0)) report.failed -= members;
    status = 'paused';
  };
  const countRefusal = (batch: Batch, readers: number) => {
    run.requests += 1;
    run.readers += readers;
    refused.push(batch);
    if (isRefusalOfAll(run, open === 0 && report.mailed === 0)) stop();
  };

  const record = (
    batch: Batch,
    { outcome }: Answered,
    { isReplay, hasRun, isProbe }: { isReplay: boolean; hasRun: boolean; isProbe: boolean },
  ) => {
    if (isResponse(outcome)) Object.assign(circuit, { failures: 0, openUntil: 0 });
    switch (outcome.kind) {
      case 'accepted': {
        exclude(batch, batch.leavers);
        const failed = outcome.items.filter((item) => 'rejected' in item).length;
        report.mailed += batch.members - failed;
        report.failed += failed;
        batch.origin.isAccepted ||= batch.members > failed;
        const suspicious = suspiciousRefusals(outcome.items);
        close(batch);
        if (suspicious !== null) countRefusal({ ...batch, members: failed }, suspicious.readers);
        else if (hasRun) {
          Object.assign(run, { requests: 0, readers: 0 });
          refused.length = 0;
        }
        return;
      }
      case 'conflict':
        // The first request was accepted, with everybody who has left since.
        report.conflicts += 1;
        report.mailed += batch.members - batch.bad;
        report.failed += batch.bad;
        return close(batch);
      case 'rejected':
      case 'split': {
        if (isReplay) {
          if (batch.attempts < REFUSED_REPLAYS) return again(batch);
          report.uncertain += batch.members;
          status = 'waits for a person';
          return close(batch);
        }
        if (batch.members === 1) {
          report.failed += 1;
          close(batch);
          batch.origin.refused += 1;
          if (batch.origin.isAccepted && batch.origin.refused <= FREE_REFUSALS) return;
          return countRefusal(batch, 1);
        }
        const size = sizeOfFirstPart(batch.members, batch.revision, run.requests > 0);
        report.splits += 1;
        const bad = firstPart(jitter, batch, size);
        const rest = make(batch.members - size, batch.bad - bad, batch.revision + 1, batch.origin);
        Object.assign(batch, { members: size, bad, asked: 0, leaseUntil: 0, revision: batch.revision + 1 });
        // The first alone is asked at once.
        for (const part of size === 1 ? [rest, batch] : []) queue.splice(head, 0, part);
        for (const part of [batch, rest]) part.where = 'queue';
        if (size > 1) queue.push(batch, rest);
        return;
      }
      case 'ambiguous':
        batch.leaseUntil = 0;
        return isResponse(outcome) ? again(batch) : noResponse(batch, isProbe);
      case 'unreachable':
        reopen(batch, isReplay);
        return noResponse(batch, isProbe);
      case 'retryAfter':
        reopen(batch, isReplay);
        pausedUntil = Math.max(pausedUntil, now + outcome.ms);
        events.add(pausedUntil, pump);
        return enqueue(batch);
      default:
        return stop();
    }
  };

  const kill = () => {
    const flight = crashes.pick(flights);
    report.kills += 1;
    // The leases of its batches run out; until then nobody may ask for them.
    for (const batch of flight) {
      batch.where = 'parked';
      batch.lease += 1;
    }
    flight.clear();
    events.add(now + crashes.between(1, 2 * scenario.killEveryMinutes * MINUTE_MS), kill);
  };
  if (scenario.killEveryMinutes > 0)
    events.add(crashes.between(1, 2 * scenario.killEveryMinutes * MINUTE_MS), kill);
  const reconcile = () => {
    if (head >= queue.length) for (const batch of all) if (batch.where === 'parked') enqueue(batch);
    report.memory = Math.max(report.memory, process.memoryUsage().heapUsed);
    events.add(now + MINUTE_MS, reconcile);
    pump();
  };
  events.add(0, reconcile);

  for (
    let next = events.next();
    next !== undefined && open > 0 && status !== 'paused';
    next = events.next()
  ) {
    now = next.at;
    next.act();
    pump();
  }
  const difference = status === 'paused' ? 0 : provider.accepted - report.mailed;
  const rest = scenario.readers - report.mailed - report.left - report.failed - report.uncertain;
  return {
    ...report,
    status,
    requests: provider.requests,
    limited: provider.limited,
    // What is uncertain, and whom nobody asked about, may have been accepted.
    doubled: Math.max(0, difference - report.uncertain - report.leftUnasked),
    overcounted: Math.max(0, -difference),
    ...(status === 'paused' ? { waiting: rest } : { lost: rest }),
  };
}

/** How many of the refused addresses are in the first part of a batch. */
function firstPart(draw: Random, { members, bad }: Batch, size: number): number {
  let found = 0;
  for (let at = 0; at < bad; at += 1) if (draw.chance((size - found) / (members - at))) found += 1;
  return Math.min(found, size);
}

function poisson(draw: Random, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = draw.draw(); product > limit; product *= draw.draw()) count += 1;
  return count;
}

/** What happens when: a binary heap, the earliest first, in the order of adding at the same time. */
class Agenda {
  readonly #heap: { at: number; order: number; act: () => void }[] = [];
  #order = 0;

  add(at: number, act: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    heap.push({ at, order: this.#order, act });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  next(): { at: number; act: () => void } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const child = left + 1 < heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !this.#isBefore(child, parent)) break;
      this.#swap(child, parent);
      parent = child;
    }
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b] as (typeof heap)[number], heap[a] as (typeof heap)[number]];
  }
}
