import { userInfo } from 'node:os';
import { SingleBar } from 'cli-progress';
import type { EnvAmbiguity } from '../config/env-file.ts';
import { total } from '../sending/progress.ts';

/** The environment of a command. */
export interface Context {
  env: Record<string, string | undefined>;
  /** Ambiguous lines of `.env`. */
  envAmbiguities?: readonly EnvAmbiguity[];
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
}

/** Prints one line to stdout. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** The operator's name for the audit log; in a container the user may have no name. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `with user id ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Prints the result of a `--json` command: one document on stdout. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export interface Meter extends Disposable {
  /** @param total undefined where it is unknown, as for a pipe. */
  show(done: number, total: number | undefined, note: string): void;
}

/**
 * A progress bar on a terminal; elsewhere a plain line for each tenth (or each 10 MB of a pipe); nothing when
 * silent.
 */
export function meter(verb: string, silent: boolean): Meter {
  if (silent) return { show() {}, [Symbol.dispose]() {} };
  if (!process.stderr.isTTY) return plainMeter(verb);
  let bar: SingleBar | undefined;
  return {
    show(done, total, note) {
      if (bar === undefined) {
        const format = total === undefined ? `${verb} {note}` : `${verb} {bar} {percentage}% | {note}`;
        bar = new SingleBar({ format, stream: process.stderr });
        bar.start(total ?? 0, done, { note });
      }
      if (total !== undefined) bar.setTotal(total);
      bar.update(done, { note });
    },
    [Symbol.dispose]() {
      bar?.stop();
    },
  };
}

function plainMeter(verb: string): Meter {
  let shown = -1;
  return {
    show(done, total, note) {
      const tenth = Math.floor(total === undefined ? done / 10_000_000 : (10 * done) / total);
      if (total === 0 || tenth === shown) return;
      shown = tenth;
      process.stderr.write(`${verb}: ${note}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** "37 (12 no-content, 25 unsubscribed)", or "0". */
export function withReasons(reasons: Record<string, number>): string {
  const parts = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? '0' : `${total(reasons)} (${parts.join(', ')})`;
}
