import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Whatever is measured runs in a process of its own, so that its CPU time and its memory are its own and one
 * measurement leaves nothing warm for the next.
 */

/** How the image starts us (Dockerfile): without a limit V8 lets garbage lie about for as long as there is memory. */
export const AS_DEPLOYED = ['--max-old-space-size=128', '--max-semi-space-size=4'];

/** Starts one of the programs here, which is compiled as this is; `NODE_ENV` is there before React is. */
export function start(program: string, input: unknown = null, execArgv: string[] = []): ChildProcess {
  const file = fileURLToPath(new URL(program + path.extname(import.meta.url), import.meta.url));
  return fork(file, [JSON.stringify(input)], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv,
  });
}

/** Runs a program of `contenders/` to its end. */
export async function contend<Figures>(name: string, input: unknown, execArgv?: string[]): Promise<Figures> {
  const child = start(`./contenders/${name}`, input, execArgv);
  const abandon = () => child.kill('SIGKILL');
  process.once('exit', abandon);
  let figures: Figures | undefined;
  child.on('message', (message) => {
    figures = message as Figures;
  });
  // Its figures can still be on their way when it is gone.
  const [[code]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  process.off('exit', abandon);
  if (code !== 0 || figures === undefined) throw new Error(`the contender "${name}" ended with ${code}`);
  return figures;
}

/** The other end of {@link contend}: a contender is one call of this. */
export async function contender<Input, Figures>(run: (input: Input) => Promise<Figures>): Promise<void> {
  const figures = await run(JSON.parse(process.argv[2] ?? 'null'));
  process.send?.(figures as object);
  process.disconnect();
}

export interface Spent {
  seconds: number;
  /** User and system time of this process, all its threads. */
  cpuSeconds: number;
}

/** Starts a clock; calling what it returns reads it. */
export function stopwatch(): () => Spent {
  const cpu = process.cpuUsage();
  const at = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - at) / 1_000, cpuSeconds: (user + system) / 1e6 };
  };
}

/** The most memory this process ever had, in MB. Linux knows it of this process alone; elsewhere `getrusage` must do. */
export function peakMegabytes(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kilobytes) / 1_024;
  } catch {
    return process.resourceUsage().maxRSS / 1_024;
  }
}
