import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { cleanUpProcess } from './cleanup.ts';

/**
 * The repository's root. Children run there: tsx takes the JSX mode from the tsconfig.json of the working directory.
 */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** The program in a checkout, and as in the image (`npm run build`), which starts three times as fast. */
export const PROGRAMS = { source: 'src/main.ts', built: 'dist/src/main.js' };

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A real process of ours. Disposing kills it, if it still runs, and waits for its end. */
export interface Process extends AsyncDisposable {
  readonly pid: number;
  /** Settles when it has ended, for any reason. */
  readonly ended: Promise<Ended>;
  /** Waits until stdout contains `text`. @throws when the process ends before it does. */
  says(text: string | RegExp): Promise<string>;
  tell(line: string): void;
  /** Ends its input. */
  end(): void;
  kill(signal: NodeJS.Signals): void;
}

/** V8's quick compiler for the embedded database: the better one costs more than a process of a few seconds gains. */
const FLAGS = ['--liftoff-only'];

/**
 * Runs a file in a process of its own, which does not outlive this one.
 * @param file from the root of the repository, TypeScript or JavaScript.
 * @param env settings; nothing is inherited but what a program needs to start.
 * @param cwd the working directory, where `.env` is looked for.
 */
export function start(
  file: string,
  args: string[],
  env: Record<string, string> = {},
  cwd: string = ROOT,
): Process {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const loader = file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  const child = spawn(process.execPath, [...FLAGS, ...loader, path.resolve(ROOT, file), ...args], {
    cwd,
    env: {
      ...{ PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) },
      ...(cwd === ROOT ? {} : { TSX_TSCONFIG_PATH: path.join(ROOT, 'tsconfig.json') }),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  cleanUpProcess(child);
  let stdout = '';
  let stderr = '';
  const received = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const each of received) each();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A killed child closes its end of the pipe while we write.
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, stdout, stderr }));

  return {
    pid: child.pid ?? 0,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const isSaid = () => (typeof text === 'string' ? stdout.includes(text) : text.test(stdout));
        const look = () => {
          if (!isSaid()) return;
          received.delete(look);
          resolve(stdout);
        };
        received.add(look);
        look();
        void ended.then((end) => reject(new Error(`ended without "${text}": ${JSON.stringify(end)}`)));
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

/** Starts a command of the program, like its users. */
export function startCommand(
  args: string[],
  env: Record<string, string>,
  program: keyof typeof PROGRAMS = 'source',
): Process {
  return start(PROGRAMS[program], args, env);
}
