import { SingleBar } from 'cli-progress';
import { type Progress, total } from '../delivery/index.ts';

/** What a command needs from the outside. */
export interface Context {
  env: Record<string, string | undefined>;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
}

/** One line on stdout. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** The whole of a `--json` answer: one document on stdout. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export interface Meter extends Disposable {
  show(progress: Progress): void;
}

/** A bar on a terminal, a plain line every tenth elsewhere, nothing under `--json`. */
export function meter(silent: boolean): Meter {
  if (silent) return { show() {}, [Symbol.dispose]() {} };
  if (!process.stderr.isTTY) return plainMeter();
  const bar = new SingleBar({
    format: 'sending {bar} {value}/{total} | {excluded} excluded',
    stream: process.stderr,
  });
  let started = false;
  return {
    show(progress) {
      const { done, excluded } = read(progress);
      if (!started) bar.start(progress.audience, done, { excluded });
      started = true;
      bar.setTotal(progress.audience);
      bar.update(done, { excluded });
    },
    [Symbol.dispose]() {
      if (started) bar.stop();
    },
  };
}

function plainMeter(): Meter {
  let shown = -1;
  return {
    show(progress) {
      const { done } = read(progress);
      const tenth = Math.floor((10 * done) / progress.audience);
      if (progress.audience === 0 || tenth === shown) return;
      shown = tenth;
      process.stderr.write(`sending: ${done} of ${progress.audience}\n`);
    },
    [Symbol.dispose]() {},
  };
}

function read(progress: Progress): { done: number; excluded: number } {
  return { done: progress.audience - progress.prepared, excluded: total(progress.excluded) };
}

/** "37 (12 no-content, 25 unsubscribed)", or "0". */
export function withReasons(reasons: Record<string, number>): string {
  const parts = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? '0' : `${total(reasons)} (${parts.join(', ')})`;
}
