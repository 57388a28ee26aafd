import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Connection } from '../../src/platform/db/database.ts';
import { settleBatch } from '../../src/sending/settlements/settle.ts';
import { unsettledBatches } from '../../src/sending/settlements/settlement-store.ts';
import { startCommand } from '../helpers/processes.ts';
import type { LocalResend } from '../resend/index.ts';
import { type Crew, trace } from './crew.ts';
import { type Installation, METRICS_TOKEN, type OpenDatabase } from './ground.ts';

/** The observable state of an issue while it is sent. */
export interface Snapshot {
  /** Status of the issue. From outside, a paused issue looks like a sending one. */
  status: string;
  /** Work that a worker may still claim: batches, or the deliveries in them. */
  open: number;
  /** Likewise, the uncertain ones. */
  uncertain: number;
  /** Unapplied events. */
  events: number;
}

/** How long a lease lasts here. */
const LEASE_MS = 3_000;
/** Interval of the minute's duties here. */
const RING_MS = 2_000;

/**
 * The operator of an installation under fire: a faster clock, and the person whom the program asks when it must not
 * decide by itself. With services both read the database. The embedded database is inside the process: its operator
 * reads its pages, and stops the process, like a deploy, when there is something to do.
 */
export class Watch implements AsyncDisposable {
  readonly #installation: Installation;
  readonly #resend: LocalResend;
  readonly #crew: Crew;
  /** The observed leases, and since when. */
  readonly #leases = new Map<string, number>();
  #rungAt = 0;
  #database: OpenDatabase | null = null;

  constructor(installation: Installation, resend: LocalResend, crew: Crew) {
    this.#installation = installation;
    this.#resend = resend;
    this.#crew = crew;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database?.[Symbol.asyncDispose]();
  }

  /** The database, until this watch ends. Embedded: only when no process uses it any more. */
  async database(): Promise<OpenDatabase> {
    this.#database ??= await this.#installation.open();
    return this.#database;
  }

  /** Null while nothing can be read. Otherwise it also lets time pass for the rows it reads. */
  async look(): Promise<Snapshot | null> {
    try {
      if (this.#installation.services === null) return await this.#fromOutside();
      const database = await this.database();
      const sight = await this.#readState(database.db);
      await this.#endOldLeases(database.db);
      await hurryTheCircuit(database);
      await this.#wakeWorkers(database);
      return sight;
    } catch {
      // The process, or PostgreSQL, is starting again.
      return null;
    }
  }

  /**
   * A person's actions: resumes a paused issue, whose cause is fixed, and settles batches that no event has settled.
   * @returns whether it was paused.
   */
  async tend(): Promise<boolean> {
    const isAlone = this.#installation.services === null;
    if (isAlone) await this.#crew.dismiss();
    const isPaused = await this.#settle();
    if (isPaused) {
      this.#resend.planBy(() => undefined);
      const { PORT: _port, ...env } = this.#installation.env;
      await startCommand(['resume'], env, this.#installation.program).ended;
    }
    if (isAlone) {
      this.#crew.engage();
      await this.#crew.start('all').ready;
    }
    return isPaused;
  }

  async #settle(): Promise<boolean> {
    if (this.#installation.services !== null) {
      // While PostgreSQL starts again nothing is done; the next check finds the same.
      return await this.#settleIn(await this.database()).catch(() => false);
    }
    await using database = await this.#installation.open();
    return await this.#settleIn(database);
  }

  async #settleIn(database: OpenDatabase): Promise<boolean> {
    const isReported = this.#resend.webhooks.pending === 0;
    const { status, events } = await this.#readState(database.db);
    trace('a person finds the issue %s', status);
    await hurryTheCircuit(database);
    await hurryEvents(database.db);
    if (isReported && events === 0) await this.#decide(database.db);
    return status === 'paused';
  }

  /** The person reads the provider's own pages; a request in flight is waited for. */
  async #decide(db: Connection): Promise<void> {
    for (const { id, revision } of await unsettledBatches(db)) {
      const key = `batch/${id}/r${revision}`;
      const isAccepted = this.#resend.accepted().some((message) => message.key === key);
      const by = 'the person at the fire test';
      // Moves time by a quarter of an hour: no request is in flight any more, and earlier a decision is refused.
      await sql`update batches set lease_until = lease_until - interval '15 minutes' where id = ${id}`.execute(
        db,
      );
      await settleBatch(db, id, isAccepted ? 'accepted' : 'not-accepted', by).catch(() => {});
    }
  }

  async #readState(db: Connection): Promise<Snapshot> {
    const { rows } = await sql<Snapshot>`
      select i.status,
        (select count(*)::int from batches where issue_id = i.id and status in ('pending', 'submitting')) as open,
        (select count(*)::int from batches where issue_id = i.id and status = 'uncertain') as uncertain,
        (select count(*)::int from events where due_at is not null) as events
      from issues i where i.id = ${this.#installation.issueId}
    `.execute(db);
    const [sight] = rows;
    if (sight === undefined) throw new Error('the issue is gone');
    return sight;
  }

  /** From the pages of the process: the issue itself after its first submit, the figures while it is sent. */
  async #fromOutside(): Promise<Snapshot> {
    const { origin, slug } = this.#installation;
    const page = await get(`${origin}/issues/${slug}`);
    const figures = new Map(
      [...(await get(`${origin}/metrics`)).text.matchAll(/^weekly_verdict_(\S+) (\S+)$/gmu)].map(
        ([, name, value]) => [name, Number(value)],
      ),
    );
    const deliveries = (status: string) => figures.get(`deliveries{issue="${slug}",status="${status}"}`);
    const open = deliveries('prepared');
    const isUnderWay = open !== undefined;
    return {
      status: isUnderWay ? 'sending' : page.isFound ? 'sent' : 'preparing',
      open: open ?? 0,
      uncertain: deliveries('uncertain') ?? 0,
      events: (figures.get('events_waiting') ?? 0) + (figures.get('events_parked') ?? 0),
    };
  }

  async #endOldLeases(db: Connection): Promise<void> {
    const { rows } = await sql<{ id: string; lease_id: string }>`
      select id, lease_id from batches
      where issue_id = ${this.#installation.issueId} and status = 'submitting' and lease_until > now()
    `.execute(db);
    for (const { id, lease_id } of rows.filter((row) => this.#hasAged(row.lease_id))) {
      await sql`update batches set lease_until = now() where id = ${id} and lease_id = ${lease_id}::uuid`.execute(
        db,
      );
    }
  }

  #hasAged(leaseId: string): boolean {
    const since = this.#leases.get(leaseId) ?? performance.now();
    this.#leases.set(leaseId, since);
    return performance.now() - since > LEASE_MS;
  }

  /** Runs the minute's duties. */
  async #wakeWorkers(database: OpenDatabase): Promise<void> {
    if (performance.now() - this.#rungAt < RING_MS) return;
    this.#rungAt = performance.now();
    await using queue = await database.queue();
    await Promise.race([queue.enqueue('reconcile', {}), sleep(1_000, null, { ref: false })]);
  }
}

/** Makes the circuit's pause a second at most, and ends the queue's pause. */
async function hurryTheCircuit(database: OpenDatabase): Promise<void> {
  const { numAffectedRows } = await sql`
    update circuit set open_until = now() + interval '1 second' where open_until > now() + interval '1 second'
  `.execute(database.db);
  if (!numAffectedRows) return;
  await using queue = await database.queue();
  for (const each of queue.raw) await each.removeRateLimitKey();
}

/** Makes postponed early events due at the next check. */
async function hurryEvents(db: Connection): Promise<void> {
  await sql`update events set due_at = now() where due_at > now()`.execute(db);
}

async function get(url: string): Promise<{ isFound: boolean; text: string }> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
  return { isFound: answer.ok, text: await answer.text() };
}
