import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Command {
  child: ChildProcess;
  /** Settles when the process has ended, whatever ended it. */
  done: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** In a checkout, and in the image (`npm run build`), which starts three times as fast. */
export const PROGRAMS = { source: ['--import', 'tsx', 'src/main.ts'], built: ['dist/src/main.js'] };

/** Starts a command as its users do, in a process of its own. */
export function startCommand(
  args: string[],
  env: Record<string, string>,
  program: keyof typeof PROGRAMS = 'source',
): Command {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [...PROGRAMS[program], ...args], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk) => {
      text[stream] += chunk;
    });
  }
  const done = once(child, 'close').then(([code, signal]) => ({ code, signal, ...text }));
  return { child, done };
}
