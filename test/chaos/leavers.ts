import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation, Reader } from './ground.ts';
import type { Leaving } from './judge.ts';

/** Readers who unsubscribe while an issue is sent: one after the other, in random order. */
export class Unsubscribers {
  readonly leavings: Leaving[] = [];
  readonly #installation: Installation;
  readonly #draw: () => number;
  #isLeaving = true;
  #done: Promise<void> = Promise.resolve();

  constructor(installation: Installation, draw: () => number) {
    this.#installation = installation;
    this.#draw = draw;
  }

  start(): void {
    this.#done = this.#letThemLeave();
  }

  /** Stops further unsubscribes; resolves when the last one is answered, or gives up. */
  async stop(): Promise<void> {
    this.#isLeaving = false;
    await this.#done;
  }

  async #letThemLeave(): Promise<void> {
    const staying = [...this.#installation.readers];
    while (this.#isLeaving && staying.length > 0) {
      const [reader] = staying.splice(Math.floor(this.#draw() * staying.length), 1);
      if (reader !== undefined) await this.#leave(reader);
      await sleep(this.#draw() * 3_000);
    }
  }

  /** Over HTTP like their mail program, and repeated until it is answered. */
  async #leave({ email, unsubscribe }: Reader): Promise<void> {
    const leaving = { email, answeredAt: Number.POSITIVE_INFINITY };
    this.leavings.push(leaving);
    while (this.#isLeaving) {
      const answer = await fetch(`${this.#installation.origin}${unsubscribe}`, {
        method: 'POST',
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
        signal: AbortSignal.timeout(5_000),
      }).catch(() => null);
      if (answer?.ok) {
        leaving.answeredAt = Date.now();
        return;
      }
      await sleep(100);
    }
  }
}
