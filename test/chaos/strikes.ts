import { execFile } from 'node:child_process';
import { sql } from 'kysely';
import { type Fault, type FaultName, type LocalResend, randomFaults } from '../resend/index.ts';
import { type Crew, type Member, trace } from './crew.ts';
import type { Installation } from './ground.ts';

/** Faults of a provider on a bad day, without those that only a person can fix. */
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
/** Faults of the account: the issue is paused, and a person resumes it. */
const ACCOUNT: FaultName[] = ['daily-quota', '403-domain'];

/** How long a stopped process is frozen: longer than the leases of the fire. */
const STOP_MS = 4_500;

/** Start and end of a process's freeze. */
export interface Stop {
  from: number;
  to: number;
}

interface Strike {
  name: string;
  /** The possible actions and their weights. */
  weight: number;
  act: () => unknown;
}

/** The result of an action that needs a running process. */
const NOBODY_THERE = Symbol('nobody there');

/** The actions on an installation while it sends, chosen one after the other. */
export class Strikes {
  readonly stops: Stop[] = [];
  readonly #installation: Installation;
  readonly #resend: LocalResend;
  readonly #crew: Crew;
  readonly #draw: () => number;
  /** Each as often as its weight says. */
  readonly #urn: Strike[];

  constructor(installation: Installation, resend: LocalResend, crew: Crew, draw: () => number) {
    this.#installation = installation;
    this.#resend = resend;
    this.#crew = crew;
    this.#draw = draw;
    this.#urn = this.#possible().flatMap((strike) => Array.from({ length: strike.weight }, () => strike));
  }

  /** @returns the name of the action; null when no process was running. */
  async strike(): Promise<string | null> {
    const { name, act } = this.#pick(this.#urn);
    if ((await act()) === NOBODY_THERE) return null;
    trace('%s, %d accepted', name, this.#resend.accepted().length);
    return name;
  }

  /** Empties Redis. */
  async flush(): Promise<void> {
    const { services } = this.#installation;
    if (services === null) return;
    const { port } = new URL(services.redis.url);
    await new Promise<void>((resolve) => {
      execFile('redis-cli', ['-p', port, 'flushall'], () => resolve());
    });
  }

  #possible(): Strike[] {
    const { services } = this.#installation;
    const everywhere: Strike[] = [
      { name: 'kill', weight: 8, act: () => this.#withAWorker((member) => this.#crew.kill(member)) },
      { name: 'provider', weight: 4, act: () => this.#spoilTheProvider() },
      { name: 'deploy', weight: 2, act: () => this.#withAWorker((member) => this.#crew.retire(member)) },
      { name: 'stop', weight: 2, act: () => this.#withAWorker((member) => this.#suspend(member)) },
    ];
    if (services === null) return everywhere;
    return [
      ...everywhere,
      { name: 'kill web', weight: 1, act: () => this.#killTheWeb() },
      { name: 'flush', weight: 2, act: () => this.flush() },
      { name: 'redis', weight: 1, act: () => services.redis.restart('SIGKILL') },
      { name: 'postgres', weight: 1, act: () => services.postgres.restart('SIGQUIT') },
      { name: 'disconnect', weight: 2, act: () => this.#disconnect() },
    ];
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#draw() * from.length)] as T;
  }

  async #withAWorker(act: (member: Member) => unknown): Promise<unknown> {
    const { workers } = this.#crew;
    return workers.length === 0 ? NOBODY_THERE : await act(this.#pick(workers));
  }

  #killTheWeb(): void {
    for (const member of this.#crew.members) if (member.role === 'web') this.#crew.kill(member);
  }

  /** Freezes a process past its lease, and lets it continue: another worker has done its next step meanwhile. */
  #suspend(member: Member): void {
    const stop = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.stops.push(stop);
    this.#crew.suspend(member);
    setTimeout(() => {
      this.#crew.resume(member);
      // Its running request takes a while.
      stop.to = Date.now() + 5_000;
    }, STOP_MS);
  }

  /** For the next few requests, whenever they come. */
  #spoilTheProvider(): void {
    const faults = this.#draw() < 0.15 ? [...BAD_DAY, ...ACCOUNT] : BAD_DAY;
    const badDay = randomFaults(Math.floor(this.#draw() * 2 ** 31), 0.2 + this.#draw() * 0.6, faults);
    let requests = 2 + Math.floor(this.#draw() * 7);
    this.#resend.planBy((request) => {
      requests -= 1;
      return requests < 0 ? undefined : badDay(request);
    });
  }

  /** Terminates all PostgreSQL sessions. */
  async #disconnect(): Promise<void> {
    await using database = await this.#installation.open();
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
      .execute(database.db)
      .catch(() => {});
  }
}
