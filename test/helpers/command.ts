import { expect, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';

/**
 * Runs a command in this process and captures its output: the same as from a process of its own, without the seconds of
 * its start. Signals, stdin and the exit itself need a real process (`startCommand`).
 * @param env settings; nothing is inherited.
 */
export async function runCommand(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const ears = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += text;
      return true;
    }),
  );
  try {
    const code = await run(args, { env, signal: new AbortController().signal });
    return { code, ...said };
  } finally {
    for (const ear of ears) ear.mockRestore();
  }
}

/** One line that a person can act on, without anything only a programmer understands. */
export function expectOneLine(result: { stderr: string }, about: RegExp): void {
  expect(result.stderr).toMatch(/^error: [^\n]+\n$/);
  expect(result.stderr).toMatch(about);
  expect(result.stderr).not.toMatch(/\n? {4}at |node_modules|\.ts:\d/);
}
