import { debuglog } from 'node:util';
import { type Process, startCommand } from '../helpers/processes.ts';
import type { Installation } from './ground.ts';

/** `NODE_DEBUG=chaos` prints what happens as it happens, with the second. */
const log = debuglog('chaos');
export const trace = (what: string, ...details: unknown[]) =>
  log(`%s s ${what}`, (performance.now() / 1_000).toFixed(1), ...details);

export type Role = 'all' | 'web' | 'worker';

/** One process of the installation, started as its users start it. */
export interface Member {
  readonly role: Role;
  readonly failpoint: string | undefined;
  readonly child: Process;
  /** Settles when it reports that it is ready, or has ended. */
  readonly ready: Promise<void>;
  works: boolean;
  stopped: boolean;
  killedByUs: boolean;
  /** We asked it to stop. */
  dismissed: boolean;
}

/**
 * The processes of one installation and their supervisor: a dead process is replaced, like a container, until the crew
 * is dismissed.
 */
export class Crew implements AsyncDisposable {
  /** Deaths by SIGKILL: at a failpoint, or by the test. */
  readonly kills: string[] = [];
  /** Exit codes of processes that ended by themselves; a supervisor restarts them. */
  readonly crashes: string[] = [];
  /** Everything that any process printed, until it is checked. */
  readonly said: string[] = [];
  readonly #installation: Installation;
  readonly #members = new Set<Member>();
  readonly #failpoint: (role: Role) => string | undefined;
  readonly #replacements = new Set<Promise<void>>();
  #isDismissed = false;

  /** @param failpoint of the next process of a role, if it should have one. */
  constructor(installation: Installation, failpoint: (role: Role) => string | undefined) {
    this.#installation = installation;
    this.#failpoint = failpoint;
  }

  get members(): Member[] {
    return [...this.#members];
  }

  /** The running processes: killing one that still starts would test nothing. */
  get workers(): Member[] {
    return this.members.filter(
      ({ role, works, stopped, dismissed }) => role !== 'web' && works && !stopped && !dismissed,
    );
  }

  /** Starts a process. */
  start(role: Role): Member {
    const failpoint = this.#failpoint(role);
    const { PORT = '', ...env } = this.#installation.env;
    const settings = {
      ...env,
      ...(role === 'worker' ? {} : { PORT }),
      ...(failpoint === undefined ? {} : { FAILPOINT: failpoint }),
    };
    const child = startCommand(['serve', '--role', role], settings, this.#installation.program);
    const member: Member = {
      role,
      failpoint,
      child,
      ready: child.says(/ (?:listens|works) on /u).then(
        () => {},
        () => {},
      ),
      works: false,
      killedByUs: false,
      stopped: false,
      dismissed: false,
    };
    void member.ready.then(() => {
      trace('a %s works (%s)', role, failpoint ?? 'no failpoint');
      member.works = true;
    });
    this.#members.add(member);
    const replaced = this.#afterlife(member).finally(() => this.#replacements.delete(replaced));
    this.#replacements.add(replaced);
    return member;
  }

  /** Kills a process. */
  kill(member: Member): void {
    member.killedByUs = true;
    member.child.kill('SIGKILL');
  }

  /** Asks a process to finish its running jobs and stop, like a deploy; it is replaced. */
  async retire(member: Member): Promise<void> {
    member.dismissed = true;
    this.resume(member);
    member.child.kill('SIGTERM');
    await member.child.ended;
  }

  suspend(member: Member): void {
    member.stopped = true;
    member.child.kill('SIGSTOP');
  }

  resume(member: Member): void {
    if (!member.stopped) return;
    member.stopped = false;
    member.child.kill('SIGCONT');
  }

  /** Stops all processes in order and replaces none. */
  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    await Promise.all(this.members.map((member) => this.retire(member)));
    await Promise.all(this.#replacements);
  }

  /** After {@link dismiss}: processes started from now on are replaced again. */
  engage(): void {
    this.#isDismissed = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDismissed = true;
    for (const member of this.members) this.kill(member);
    await Promise.all(this.#replacements);
  }

  async #afterlife(member: Member): Promise<void> {
    const { code, signal, stdout, stderr } = await member.child.ended;
    trace('a %s is gone (%s)', member.role, signal ?? code);
    this.#members.delete(member);
    this.said.push(stdout, stderr);
    if (signal === 'SIGKILL')
      this.kills.push(member.killedByUs ? 'at random' : (member.failpoint?.split(':')[0] ?? 'unknown'));
    else if (!member.dismissed || code !== 0)
      this.crashes.push(`${member.role} ended with ${signal ?? code}: ${stderr.slice(-600)}`);
    if (!this.#isDismissed) this.start(member.role);
  }
}
