import { setTimeout as sleep } from 'node:timers/promises';
import type { Unsubscribe } from './check-issue.ts';
import type { Installation, Reader } from './ground.ts';

/** Readers who unsubscribe while an issue is sent: one after the other, in random order. */
export class Unsubscribers {
  readonly unsubscribes: Unsubscribe[] = [];
  readonly #installation: Installation;
  readonly #draw: () => number;
  #isRunning = true;
  #done: Promise<void> = Promise.resolve();

  constructor(installation: Installation, draw: () => number) {
    this.#installation = installation;
    this.#draw = draw;
  }

  start(): void {
    this.#done = this.#unsubscribeAll();
  }

  /** Stops further unsubscribes; resolves when the last one is answered, or gives up. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
  }

  async #unsubscribeAll(): Promise<void> {
    const subscribed = [...this.#installation.readers];
    while (this.#isRunning && subscribed.length > 0) {
      const [reader] = subscribed.splice(Math.floor(this.#draw() * subscribed.length), 1);
      if (reader !== undefined) await this.#unsubscribe(reader);
      await sleep(this.#draw() * 3_000);
    }
  }

  /** Over HTTP like their mail program, and repeated until it is answered. */
  async #unsubscribe({ email, unsubscribe }: Reader): Promise<void> {
    const request = { email, answeredAt: Number.POSITIVE_INFINITY };
    this.unsubscribes.push(request);
    while (this.#isRunning) {
      const answer = await fetch(`${this.#installation.origin}${unsubscribe}`, {
        method: 'POST',
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
        signal: AbortSignal.timeout(5_000),
      }).catch(() => null);
      if (answer?.ok) {
        request.answeredAt = Date.now();
        return;
      }
      await sleep(100);
    }
  }
}
