import pLimit, { type LimitFunction } from 'p-limit';

/** Why no more requests are made to a host in this gathering. */
export class HostClosed extends Error {}

/** After this many failed connections and missing responses in a row, a host is skipped until the next gathering. */
const GIVE_UP_AFTER = 10;

interface Host {
  limit: LimitFunction;
  /** Earliest time of the next request, in the clock of `now`: after Retry-After, or a crawl delay. */
  notBefore: number;
  spacingMs: number;
  failures: number;
  closed: string | null;
}

/**
 * Schedules requests per host: a limited number at once, none before a Retry-After has passed, one after the other when
 * robots.txt sets a delay, and none any more when a host is down or asks for a long pause.
 */
export class Hosts {
  readonly #hosts = new Map<string, Host>();
  readonly #concurrency: number;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #now: () => number;

  constructor(concurrency: number, sleep: (ms: number) => Promise<void>, now?: () => number) {
    this.#concurrency = concurrency;
    this.#sleep = sleep;
    this.#now = now ?? Date.now;
  }

  /** @throws HostClosed when the host was given up; otherwise what the task throws. */
  take<T>(name: string, task: () => Promise<T>): Promise<T> {
    const host = this.#host(name);
    return host.limit(async () => {
      for (;;) {
        if (host.closed !== null) throw new HostClosed(host.closed);
        const now = this.#now();
        if (host.notBefore <= now) break;
        await this.#sleep(host.notBefore - now);
      }
      if (host.spacingMs > 0) host.notBefore = this.#now() + host.spacingMs;
      return task();
    });
  }

  /** One request at a time, with this delay between them. */
  space(name: string, ms: number): void {
    const host = this.#host(name);
    host.spacingMs = ms;
    if (ms > 0) host.limit.concurrency = 1;
  }

  pause(name: string, ms: number): void {
    const host = this.#host(name);
    host.notBefore = Math.max(host.notBefore, this.#now() + ms);
  }

  close(name: string, reason: string): void {
    this.#host(name).closed ??= reason;
  }

  /** The host responded, with any answer. */
  recordResponse(name: string): void {
    this.#host(name).failures = 0;
  }

  recordNoResponse(name: string, reason: string): void {
    const host = this.#host(name);
    host.failures += 1;
    if (host.failures >= GIVE_UP_AFTER) {
      this.close(name, `not asked: the host failed ${GIVE_UP_AFTER} times in a row, at last it ${reason}`);
    }
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = { limit: pLimit(this.#concurrency), notBefore: 0, spacingMs: 0, failures: 0, closed: null };
      this.#hosts.set(name, host);
    }
    return host;
  }
}
