import { renameSync, writeFileSync } from 'node:fs';

/**
 * The time of a simulated year. It runs at its usual speed, and {@link VirtualClock.goTo} moves it forward.
 *
 * It replaces `Date` of this process and leaves timers alone. The embedded database is in this process and takes its
 * time from `Date.now`, so `now()` in SQL follows. Services follow by a file that libfaketime reads before each answer.
 */
export class VirtualClock implements Disposable {
  readonly #real = Date;
  readonly #realNow = Date.now;
  readonly #file: string | undefined;
  /** Whole seconds, as libfaketime writes them. */
  #offsetSeconds = 0;

  /** @param file is read by libfaketime; without it only this process has the time. */
  constructor(start: Date, file?: string) {
    this.#file = file;
    const now = () => this.#realNow.call(this.#real) + this.#offsetSeconds * 1_000;
    this.#real.now = now;
    globalThis.Date = new Proxy(this.#real, {
      construct: (target, args, newTarget) =>
        Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
      apply: () => new this.#real(now()).toString(),
    });
    this.#set(start);
  }

  get now(): Date {
    return new Date();
  }

  /** Moves forward to `at`, or at most a second further; does nothing when it is later already. */
  goTo(at: Date): void {
    if (at > this.now) this.#set(at);
  }

  /** Moves forward by this much. */
  advance(seconds: number): void {
    this.#set(new Date(this.now.getTime() + seconds * 1_000));
  }

  #set(at: Date): void {
    this.#offsetSeconds = Math.ceil((at.getTime() - this.#realNow.call(this.#real)) / 1_000);
    if (this.#file === undefined) return;
    const offset = `${this.#offsetSeconds < 0 ? '' : '+'}${this.#offsetSeconds}\n`;
    // Renamed, so that no reader finds half a number.
    writeFileSync(`${this.#file}.new`, offset);
    renameSync(`${this.#file}.new`, this.#file);
  }

  [Symbol.dispose](): void {
    this.#real.now = this.#realNow;
    globalThis.Date = this.#real;
  }
}
