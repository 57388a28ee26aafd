import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** The repository's root. Children run there: tsx takes the JSX mode from the tsconfig.json of the working directory. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** A child that neither ends nor says what is waited for is a failure, after this long. */
const LIMIT_MS = 45_000;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A real process of ours. Disposing kills it, if it is still there, and waits until it is gone. */
export interface Process extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Waits until stdout contains `text`. @throws when the process ends before it does. */
  says(text: string): Promise<string>;
  tell(line: string): void;
  /** Ends its input. */
  end(): void;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Runs a TypeScript file in a process of its own.
 * @param file from the root of the repository.
 * @param env settings; nothing is inherited but what a program needs to start.
 */
export function start(file: string, args: string[], env: Record<string, string> = {}): Process {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: ROOT,
    env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const abandon = () => child.kill('SIGKILL');
  process.once('exit', abandon);
  const limit = setTimeout(abandon, LIMIT_MS);
  let stdout = '';
  let stderr = '';
  const heard = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const each of heard) each();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // A child that is killed closes its end of the pipe under our pen.
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    clearTimeout(limit);
    process.off('exit', abandon);
    return { code, signal, stdout, stderr };
  });

  return {
    pid: child.pid ?? 0,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!stdout.includes(text)) return;
          heard.delete(look);
          resolve(stdout);
        };
        heard.add(look);
        look();
        void ended.then((end) => {
          if (!stdout.includes(text)) reject(new Error(`ended without "${text}": ${JSON.stringify(end)}`));
        });
      }),
    tell: (line) => child.stdin.write(`${line}\n`),
    end: () => child.stdin.end(),
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a file to its end. */
export function run(file: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = start(file, args, env);
  return child.ended;
}
