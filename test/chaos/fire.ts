import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Failpoint } from '../../src/platform/failpoint.ts';
import { type LocalResend, seeded } from '../resend/index.ts';
import { checkIssue, type Verdict } from './check-issue.ts';
import { Crew, type Role, trace } from './crew.ts';
import type { Installation } from './ground.ts';
import { Strikes } from './strikes.ts';
import { Unsubscribers } from './unsubscribers.ts';
import { type Snapshot, Watch } from './watch.ts';

export const FAILPOINTS: readonly Failpoint[] = [
  'mid-prepare',
  'before-claim',
  'after-claim',
  'after-accept',
  'after-record',
  'at-finish',
];
const WORKERS = 4;
const STORM_MS = 120_000;
const CALM_MS = 240_000;
const LOOK_MS = 250;
/** After this time without progress, a person checks why. */
const PATIENCE_MS = 6_000;
/** When only early events are left, the test need not wait for the clock. */
const EARLY_MS = 1_000;

/** The events of an issue's run. */
export interface Attack {
  /** Makes all random choices. */
  seed: number;
  /** It ends after this many kills. */
  kills: number;
  /**
   * Instead of random strikes: one worker at a time, which dies at each failpoint in turn, and nothing else happens.
   */
  deaths?: readonly Failpoint[];
}

/** The run under fire, and the state of the issue afterwards. */
export class Fire implements AsyncDisposable {
  readonly crew: Crew;
  readonly faults: string[] = [];
  readonly unsubscribers: Unsubscribers;
  readonly #installation: Installation;
  readonly #resend: LocalResend;
  readonly #attack: Attack;
  readonly #strikes: Strikes;
  readonly #watch: Watch;
  /** One generator for each consumer: the order of their calls does not change their numbers. */
  readonly #draw: Record<'failpoints' | 'unsubscribers' | 'strikes' | 'times', () => number>;
  #isRaging = true;
  #lastSeen = '';
  #seenAt = 0;

  constructor(installation: Installation, resend: LocalResend, attack: Attack) {
    this.#installation = installation;
    this.#resend = resend;
    this.#attack = attack;
    const draw = seeded(attack.seed);
    const another = () => seeded(Math.floor(draw() * 2 ** 31));
    this.#draw = { failpoints: another(), unsubscribers: another(), strikes: another(), times: another() };
    this.unsubscribers = new Unsubscribers(installation, this.#draw.unsubscribers);
    this.crew = new Crew(installation, (role) => this.#failpoint(role));
    this.#strikes = new Strikes(installation, resend, this.crew, this.#draw.strikes);
    this.#watch = new Watch(installation, resend, this.crew);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRaging = false;
    await this.crew[Symbol.asyncDispose]();
    await this.unsubscribers.stop();
    await this.#watch[Symbol.asyncDispose]();
  }

  /** Until enough processes were killed, or the issue is finished. */
  async rage(): Promise<void> {
    const { deaths, kills } = this.#attack;
    const workers = Array.from({ length: deaths === undefined ? WORKERS : 1 }, () => 'worker' as const);
    const roles: Role[] = this.#installation.services === null ? ['all'] : ['web', ...workers];
    await Promise.all(roles.map((role) => this.crew.start(role).ready));
    if (deaths === undefined) this.unsubscribers.start();
    const end = performance.now() + STORM_MS;
    while (this.crew.kills.length < kills && performance.now() < end) {
      const sight = await this.#look();
      if (sight !== null && isThrough(sight) && (deaths === undefined || sight.status === 'sent')) break;
      if (sight?.status === 'paused' || this.#isStuck()) await this.#tend();
      const struck = deaths === undefined ? await this.#strikes.strike() : null;
      if (struck !== null) this.faults.push(struck);
      await this.#somethingHappens();
    }
  }

  /** Strikes are spread over the issue: between two of them a request arrives, or a pause passes. */
  async #somethingHappens(): Promise<void> {
    const before = this.#resend.arrivals;
    const patience = performance.now() + PATIENCE_MS + this.#draw.times() * 2_000;
    while (this.#resend.arrivals === before && performance.now() < patience) {
      await sleep(LOOK_MS);
      const sight = await this.#look();
      if (sight?.status === 'sent') return;
    }
    await sleep(this.#draw.times() * 500);
  }

  /** The faults end; then the issue must finish by itself. */
  async calm(): Promise<void> {
    this.#isRaging = false;
    trace('calm after %o', this.crew.kills);
    this.#resend.calm();
    for (const member of this.crew.members) this.crew.resume(member);
    await this.unsubscribers.stop();
    // The queue releases the jobs of dead processes after a while. Mostly we do not wait for that, but empty the queue.
    if (this.#draw.times() < 0.8) await this.#strikes.flush();
    const end = performance.now() + CALM_MS;
    while (performance.now() < end && !(await this.#isOver())) await sleep(LOOK_MS);
    await this.crew.dismiss();
  }

  /** Sent, and every event applied. A person acts when the program needs one. */
  async #isOver(): Promise<boolean> {
    const isReported = this.#resend.webhooks.pending === 0;
    const sight = await this.#look();
    if (sight === null) return false;
    const { status, open, uncertain, events } = sight;
    const isAtRest = isReported && events === 0;
    if (isAtRest && status === 'sent') return true;
    const isUpToAPerson = status === 'paused' || (isAtRest && open === 0 && uncertain > 0);
    const patience = isReported && open === 0 && status !== 'preparing' ? EARLY_MS : PATIENCE_MS;
    if (isUpToAPerson || this.#isStuck(patience)) await this.#tend();
    return false;
  }

  /** Also records when something changed. */
  async #look(): Promise<Snapshot | null> {
    const sight = await this.#watch.look();
    const seen = JSON.stringify([sight, this.#resend.arrivals]);
    if (sight === null || seen !== this.#lastSeen) {
      if (seen !== this.#lastSeen)
        trace(
          '%o, %d requests, %d events under way',
          sight,
          this.#resend.arrivals,
          this.#resend.webhooks.pending,
        );
      this.#lastSeen = seen;
      this.#seenAt = performance.now();
    }
    return sight;
  }

  /** The reason is not visible from outside. */
  #isStuck(forMs = PATIENCE_MS): boolean {
    return this.#installation.services === null && performance.now() - this.#seenAt > forMs;
  }

  async #tend(): Promise<void> {
    if (await this.#watch.tend()) this.faults.push('resume');
    this.#seenAt = performance.now();
  }

  async verdict(): Promise<Verdict> {
    const { issueId, readers } = this.#installation;
    const { db } = await this.#watch.database();
    const { stops } = this.#strikes;
    const verdict = await checkIssue(
      db,
      this.#resend,
      issueId,
      readers,
      this.unsubscribers.unsubscribes,
      stops,
    );
    if (this.#resend.webhooks.pending > 0)
      verdict.faults.push(`${this.#resend.webhooks.pending} events were not taken`);
    return verdict;
  }

  /** Who settled each uncertain batch. */
  async settlements(): Promise<string[]> {
    const { db } = await this.#watch.database();
    const { rows } = await sql<{ by: string }>`
      select split_part(decided_by, ' ', 1) as by from settlements
    `.execute(db);
    return rows.map(({ by }) => by);
  }

  /** During the fire, most processes get a failpoint at which they will die. */
  #failpoint(role: Role): string | undefined {
    const { kills, deaths } = this.#attack;
    if (!this.#isRaging || role === 'web' || this.crew.kills.length >= kills) return undefined;
    if (deaths !== undefined) return deaths[this.crew.kills.length];
    const draw = this.#draw.failpoints;
    if (draw() < 0.15) return undefined;
    if (this.crew.kills.length < 2 && draw() < 0.5) return 'mid-prepare';
    if (draw() < 0.1) return 'at-finish';
    const places = FAILPOINTS.filter((each) => each.includes('-claim') || each.startsWith('after-'));
    const place = places[Math.floor(draw() * places.length)];
    return `${place}:${draw() < 0.75 ? 1 : 2}`;
  }
}

/** Sent, or only batches are open that a person must settle. */
function isThrough({ status, open }: Snapshot): boolean {
  return status === 'sent' || (status === 'sending' && open === 0);
}
