import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Each measurement runs in a process of its own, so that its CPU time and memory are its own and it leaves no warm
 * caches for the next.
 */

/** The options of the image (Dockerfile): without a limit V8 does not collect garbage while there is memory. */
export const AS_DEPLOYED = ['--max-old-space-size=128', '--max-semi-space-size=4'];

/** Starts one of the programs here, compiled like this one; `NODE_ENV` is set before React is loaded. */
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
  // Its result may arrive after its exit.
  const [[code]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  process.off('exit', abandon);
  if (code !== 0 || figures === undefined) throw new Error(`the contender "${name}" ended with ${code}`);
  return figures;
}

/** The child's side of {@link contend}: a contender is one call of this. */
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

/** Starts a clock; call the result to read it. */
export function stopwatch(): () => Spent {
  const cpu = process.cpuUsage();
  const at = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - at) / 1_000, cpuSeconds: (user + system) / 1e6 };
  };
}

/** The peak memory of this process, in MB. Linux reports it for this process alone; elsewhere `getrusage` must do. */
export function peakMegabytes(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kilobytes) / 1_024;
  } catch {
    return process.resourceUsage().maxRSS / 1_024;
  }
}
