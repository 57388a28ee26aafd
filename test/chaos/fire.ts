import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Connection } from '../../src/db/index.ts';
import { settleBatch, unsettledBatches } from '../../src/delivery/index.ts';
import type { Failpoint } from '../../src/failpoint.ts';
import { findIssue } from '../../src/issues/index.ts';
import { openQueue } from '../../src/queue/index.ts';
import { startCommand } from '../helpers/processes.ts';
import { type Fault, type FaultName, type LocalResend, randomFaults, seeded } from '../resend/index.ts';
import { Crew, type Member, type Role, trace } from './crew.ts';
import type { Books, Installation } from './ground.ts';
import { judge, type Verdict } from './judge.ts';
import { Leavers } from './leavers.ts';

/** Answers that a provider gives on a bad day, and none that only a person can mend. */
const BAD_DAY: (Fault | FaultName)[] = [
  '429',
  '429-retry-after',
  '429-retry-date',
  'concurrent',
  '500',
  '500-accepted',
  '502-html',
  '502-accepted',
  '503',
  '504-accepted',
  'reset-before',
  'reset-after',
  'slow',
  'truncated',
  'html-in-200',
  'error-in-200',
  'short',
  'reordered',
  'duplicated',
  'third-refused',
  { kind: 'hang', accepted: false, ms: 1_500 },
  { kind: 'hang', accepted: true, ms: 1_500 },
];
/** Faults of the account: the issue pauses itself, and a person resumes it. */
const ACCOUNT: FaultName[] = ['daily-quota', '403-domain'];

export const FAILPOINTS: readonly Failpoint[] = [
  'mid-prepare',
  'before-claim',
  'after-claim',
  'after-accept',
  'after-record',
  'at-finish',
];
const LEASE_MS = 3_000;
const STORM_MS = 120_000;
const CALM_MS = 240_000;
const LOOK_MS = 400;

/** What happens to an issue. */
export interface Attack {
  /** Draws everything that is left to chance. */
  seed: number;
  /** It ends when so many were killed. */
  kills: number;
  /** Instead of chance: one worker at a time, which dies here, then there, and nothing else happens. */
  deaths?: readonly Failpoint[];
}

/** The fire, and what is left of the issue when it is out. */
export class Fire implements AsyncDisposable {
  readonly crew: Crew;
  readonly faults: string[] = [];
  readonly leavers: Leavers;
  readonly #installation: Installation;
  readonly #resend: LocalResend;
  readonly #draw: () => number;
  readonly #attack: Attack;
  readonly #stops: { from: number; to: number }[] = [];
  /** Leases that were seen, and since when. */
  readonly #leases = new Map<string, number>();
  #books: Books | null = null;
  #isRaging = true;

  constructor(installation: Installation, resend: LocalResend, attack: Attack) {
    this.#installation = installation;
    this.#resend = resend;
    this.#attack = attack;
    this.#draw = seeded(attack.seed);
    this.leavers = new Leavers(installation);
    this.crew = new Crew(installation, (role) => this.#failpoint(role));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRaging = false;
    await this.crew[Symbol.asyncDispose]();
    await this.leavers.stop();
    await this.#books?.[Symbol.asyncDispose]();
  }

  /** Until enough were killed, or the issue is through. */
  async rage(): Promise<void> {
    const { services } = this.#installation;
    if (services === null) await this.crew.start('all').ready;
    else {
      this.#books = await this.#installation.open();
      const workers = this.#attack.deaths === undefined ? 4 : 1;
      const roles: Role[] = ['web', ...Array.from({ length: workers }, () => 'worker' as const)];
      await Promise.all(roles.map((role) => this.crew.start(role).ready));
    }
    if (this.#attack.deaths === undefined) this.leavers.start(Math.floor(this.#draw() * 2 ** 31));
    const end = performance.now() + STORM_MS;
    while (this.crew.kills.length < this.#attack.kills && performance.now() < end) {
      const status = await this.#look();
      trace('the issue is %s, %d requests', status, this.#resend.arrivals);
      if (status === 'sent' || (await this.#isUpToAPerson())) break;
      if (status === 'paused') await this.#resume();
      if (this.#attack.deaths === undefined && this.#workers().length > 0) await this.#strike();
      await this.#somethingHappens();
    }
  }

  /** Nothing is open any more but what no machine may decide. */
  async #isUpToAPerson(): Promise<boolean> {
    if (this.#installation.services === null || this.#attack.deaths !== undefined) return false;
    const { db } = await this.#opened();
    const { rows } = await sql<{ open: number; all: number }>`
      select count(*) filter (where status in ('pending', 'submitting'))::int as open, count(*)::int as all from batches
    `
      .execute(db)
      .catch(() => ({ rows: [] }));
    return rows[0]?.open === 0 && rows[0].all > 0;
  }

  /** Strikes are spread over the issue: between two of them a request arrives, or nothing does for a while. */
  async #somethingHappens(): Promise<void> {
    const before = this.#resend.arrivals;
    const patience = performance.now() + 5_000 + this.#draw() * 5_000;
    while (this.#resend.arrivals === before && performance.now() < patience) {
      await sleep(LOOK_MS);
      await this.#look();
    }
    await sleep(this.#draw() * 500);
  }

  /** The faults clear; then everything has to come right by itself. */
  async calm(): Promise<void> {
    this.#isRaging = false;
    trace('calm after %o', this.crew.kills);
    this.#resend.calm();
    for (const member of this.crew.members) this.crew.resume(member);
    await this.leavers.stop();
    // What the queue holds for the dead it gives up after a minute. Mostly we do not wait for that, but empty it.
    const { services } = this.#installation;
    if (services !== null && this.#draw() < 0.8) await this.#flush(services.redis.url);
    const end = performance.now() + CALM_MS;
    while (performance.now() < end && !(await this.#isOver())) await sleep(LOOK_MS);
    await Promise.race([
      this.#resend.webhooks.idle(),
      sleep(Math.max(0, end - performance.now()), null, { ref: false }),
    ]);
    await this.crew.dismiss();
    this.#books ??= await this.#installation.open();
  }

  async verdict(): Promise<Verdict> {
    const { issueId, readers } = this.#installation;
    const { db } = await this.#opened();
    const verdict = await judge(db, this.#resend, issueId, readers, this.leavers.leavings, this.#stops);
    if (this.#resend.webhooks.pending > 0)
      verdict.faults.push(`${this.#resend.webhooks.pending} events were not taken`);
    return verdict;
  }

  async #opened(): Promise<Books> {
    this.#books ??= await this.#installation.open();
    return this.#books;
  }

  /** While it rages, most processes carry the place where they will die. */
  #failpoint(role: Role): string | undefined {
    const { kills, deaths } = this.#attack;
    if (!this.#isRaging || role === 'web' || this.crew.kills.length >= kills) return undefined;
    if (deaths !== undefined) return deaths[this.crew.kills.length];
    if (this.#draw() < 0.15) return undefined;
    if (this.crew.kills.length < 2 && this.#draw() < 0.5) return 'mid-prepare';
    if (this.#draw() < 0.1) return 'at-finish';
    const place = this.#pick(
      FAILPOINTS.filter((each) => each.includes('-claim') || each.startsWith('after-')),
    );
    return `${place}:${this.#draw() < 0.75 ? 1 : 2}`;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#draw() * from.length)] as T;
  }

  async #strike(): Promise<void> {
    const { services } = this.#installation;
    const strikes: Record<string, [weight: number, strike: () => unknown]> = {
      kill: [8, () => this.#withAWorker((member) => this.crew.kill(member))],
      provider: [4, () => this.#provider()],
      deploy: [2, () => this.#withAWorker((member) => this.crew.retire(member))],
      stop: [2, () => this.#withAWorker((member) => this.#suspend(member))],
      ...(services === null
        ? {}
        : {
            'kill web': [
              1,
              () => this.crew.members.filter(({ role }) => role === 'web').map((web) => this.crew.kill(web)),
            ],
            flush: [2, () => this.#flush(services.redis.url)],
            redis: [1, () => services.redis.restart('SIGKILL')],
            postgres: [1, () => services.postgres.restart('SIGQUIT')],
            disconnect: [2, () => this.#disconnect()],
          }),
    };
    const drawn = Object.entries(strikes).flatMap(([name, [weight, strike]]) =>
      Array.from({ length: weight }, () => ({ name, strike })),
    );
    const { name, strike } = this.#pick(drawn);
    this.faults.push(name);
    trace('%s, %d accepted', name, this.#resend.accepted().length);
    await strike();
  }

  /** Those who are at work: who is still starting would die of nothing. */
  #workers(): Member[] {
    return this.crew.members.filter(
      ({ role, works, stopped, dismissed }) => role !== 'web' && works && !stopped && !dismissed,
    );
  }

  async #withAWorker(act: (member: Member) => unknown): Promise<void> {
    const workers = this.#workers();
    if (workers.length > 0) await act(this.#pick(workers));
  }

  /** Past its lease, and on again: what it was about to do then, somebody else has done. */
  #suspend(member: Member): void {
    const stop = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.#stops.push(stop);
    this.crew.suspend(member);
    setTimeout(() => {
      this.crew.resume(member);
      // What it had begun is under way for a while.
      stop.to = Date.now() + 5_000;
    }, LEASE_MS + 1_500);
  }

  #provider(): void {
    const faults = this.#draw() < 0.15 ? [...BAD_DAY, ...ACCOUNT] : BAD_DAY;
    this.#resend.planBy(randomFaults(Math.floor(this.#draw() * 2 ** 31), 0.2 + this.#draw() * 0.6, faults));
    setTimeout(() => this.#resend.planBy(() => undefined), 1_000 + this.#draw() * 3_000).unref();
  }

  async #flush(url: string): Promise<void> {
    const { execFile } = await import('node:child_process');
    const { port } = new URL(url);
    await new Promise<void>((resolve) => {
      execFile('redis-cli', ['-p', port, 'flushall'], () => resolve());
    });
  }

  async #disconnect(): Promise<void> {
    const { db } = await this.#opened();
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
      .execute(db)
      .catch(() => {});
  }

  /** The issue's status; null where or while nobody can look. Also lets time pass for what it sees. */
  async #look(): Promise<string | null> {
    if (this.#installation.services === null) return null;
    const { db } = await this.#opened();
    const { issueId } = this.#installation;
    try {
      const issue = await findIssue(db, { id: issueId });
      const { rows } = await sql<{ id: string; lease_id: string }>`
        select id, lease_id from batches
        where issue_id = ${issueId} and status = 'submitting' and lease_until > now()
      `.execute(db);
      for (const { id, lease_id } of rows.filter((row) => this.#hasAged(row.lease_id))) {
        await sql`update batches set lease_until = now() where id = ${id} and lease_id = ${lease_id}::uuid`.execute(
          db,
        );
      }
      await this.#leaveNobodyAlone(db);
      await this.#ring();
      return issue?.status ?? 'gone';
    } catch {
      // PostgreSQL is starting again.
      return null;
    }
  }

  /** A provider that is left alone for a while is asked again after a second. */
  async #leaveNobodyAlone(db: Connection): Promise<void> {
    await sql`
      update circuit set open_until = now() + interval '1 second' where open_until > now() + interval '1 second'
    `.execute(db);
  }

  #hasAged(leaseId: string): boolean {
    const since = this.#leases.get(leaseId) ?? performance.now();
    this.#leases.set(leaseId, since);
    return performance.now() - since > LEASE_MS;
  }

  /** The minute's doorbell, every few looks. */
  #rungAt = 0;
  async #ring(): Promise<void> {
    const redisUrl = this.#installation.env.REDIS_URL;
    if (redisUrl === undefined || performance.now() - this.#rungAt < 2_000) return;
    this.#rungAt = performance.now();
    await using queue = await openQueue({ redisUrl }, () => {});
    await Promise.race([queue.enqueue('reconcile', {}), sleep(1_000, null, { ref: false })]);
  }

  async #isOver(): Promise<boolean> {
    if (this.#installation.services === null) return this.#isOverEmbedded();
    const status = await this.#look();
    if (status === 'paused') await this.#resume();
    const { db } = await this.#opened();
    return this.#isAtRest(db, status);
  }

  /** The issue is sent, and what became of its messages is not all on the books. */
  #isOnlyEvents = false;

  /** One process holds the database: now and then it is asked to make way, as for a deploy, and its books are read. */
  async #isOverEmbedded(): Promise<boolean> {
    const before = this.#resend.arrivals;
    // Events that a dead process had in hand are looked at again after a minute, and not before.
    await sleep(this.#isOnlyEvents ? 30_000 : 6_000);
    if (this.#resend.arrivals > before) return false;
    await Promise.race([this.#resend.webhooks.idle(), sleep(60_000, null, { ref: false })]);
    await this.crew.dismiss();
    const { issueId } = this.#installation;
    let status: string | undefined;
    {
      await using books = await this.#installation.open();
      status = (await findIssue(books.db, { id: issueId }))?.status;
      trace('the issue is %s', status);
      if (await this.#isAtRest(books.db, status)) return true;
      this.#isOnlyEvents = status === 'sent';
      await this.#leaveNobodyAlone(books.db);
    }
    if (status === 'paused') await this.#resume();
    this.crew.engage();
    await this.crew.start('all').ready;
    return false;
  }

  /** Sent, and every event applied. Batches that no event will settle get a person's word. */
  async #isAtRest(db: Connection, status: string | null | undefined): Promise<boolean> {
    const { pending } = this.#resend.webhooks;
    const isTold = pending === 0 && !(await hasWaitingEvents(db));
    trace('the issue is %s, %d events under way', status, pending);
    if (isTold && status !== 'sent') await this.#decide(db);
    return isTold && status === 'sent';
  }

  /** The person looks at what the provider's own pages show; a request that is on its way is waited for. */
  async #decide(db: Connection): Promise<void> {
    for (const { id, revision } of await unsettledBatches(db)) {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from batches where id = ${id} and status = 'uncertain'
      `.execute(db);
      if (rows[0]?.n !== 1) continue;
      const key = `batch/${id}/r${revision}`;
      const isAccepted = this.#resend.accepted().some((message) => message.key === key);
      const by = 'the person at the fire test';
      // As if a quarter of an hour had passed: nothing is on its way any more, and sooner nobody may say so.
      await sql`update batches set lease_until = lease_until - interval '15 minutes' where id = ${id}`.execute(
        db,
      );
      await settleBatch(db, id, isAccepted ? 'accepted' : 'not-accepted', by).catch(() => {});
    }
  }

  /** Who settled each batch that was uncertain. */
  async settlements(): Promise<string[]> {
    const { db } = await this.#opened();
    const { rows } = await sql<{
      by: string;
    }>`select split_part(decided_by, ' ', 1) as by from settlements`.execute(db);
    return rows.map(({ by }) => by);
  }

  /** What an editor does when the issue says why it is paused, and the cause is mended. */
  async #resume(): Promise<void> {
    this.#resend.planBy(() => undefined);
    this.faults.push('resume');
    const { PORT: _port, ...env } = this.#installation.env;
    await startCommand(['resume'], env, this.#installation.program).ended;
  }
}

/** Due now or parked: an event that was early is looked at again, the later the longer it waited. */
async function hasWaitingEvents(db: Connection): Promise<boolean> {
  const { rows } = await sql`select from events where due_at is not null limit 1`.execute(db);
  return rows.length > 0;
}
