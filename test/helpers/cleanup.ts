import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Registers programs and folders that must not outlive this process, however it ends. A killed process cannot clean up;
 * so a shell, in a session of its own that no Ctrl-C reaches, reads the list, and when no process is left to extend it,
 * ends the programs and removes the folders.
 */

/**
 * The shell's part: one list a line, its items separated by tabs; each line replaces the one before it with the same
 * name.
 */
const SHELL = `
set -f
IFS='\t'
while read -r name list; do
  case $name in
    KILL) kill=$list ;;
    QUIT) quit=$list ;;
    folders) folders=$list ;;
  esac
done
for pid in $kill; do kill -s KILL "$pid"; done 2>/dev/null
for pid in $quit; do kill -s QUIT "$pid"; done 2>/dev/null
tries=0
for pid in $kill $quit; do
  # A zombie is gone: only we have not buried it.
  until case $(ps -o stat= -p "$pid") in '' | Z*) true ;; *) [ $tries -ge 50 ] ;; esac; do
    sleep 0.1
    tries=$((tries + 1))
  done
done 2>/dev/null
for folder in $folders; do rm -rf "$folder"; done
`;

/** `QUIT` ends PostgreSQL at once and lets it release its shared memory. */
export type Ending = 'KILL' | 'QUIT';

const lists: Record<Ending | 'folders', Set<string>> = {
  KILL: new Set(),
  QUIT: new Set(),
  folders: new Set(),
};
let shell: ChildProcess | undefined;

/** Registers `child`: it is ended with this process, unless it has ended before. */
export function cleanUpProcess(child: ChildProcess, ending: Ending = 'KILL'): void {
  if (child.pid !== undefined) child.once('exit', cleanup(ending, String(child.pid)));
}

/** Removes `folder` with this process. @returns a function that unregisters it. */
export function cleanUpFolder(folder: string): () => void {
  return cleanup('folders', folder);
}

function cleanup(name: keyof typeof lists, item: string): () => void {
  lists[name].add(item);
  report(name);
  return () => {
    lists[name].delete(item);
    report(name);
  };
}

function report(name: keyof typeof lists): void {
  if (shell === undefined) {
    shell = spawn('sh', ['-c', SHELL], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    shell.on('error', () => {});
    // It lives as long as this process, and must not keep it alive.
    shell.unref();
    shell.stdin?.on('error', () => {});
    (shell.stdin as Socket).unref();
    process.once('exit', endNow);
  }
  shell.stdin?.write(lineOf(name));
}

/** A process that is asked to end, or ends with registered items left, waits until they are gone. */
function endNow(): void {
  const names = Object.keys(lists) as (keyof typeof lists)[];
  if (names.every((name) => lists[name].size === 0)) return;
  spawnSync('sh', ['-c', SHELL], { input: names.map(lineOf).join(''), stdio: ['pipe', 'ignore', 'ignore'] });
}

function lineOf(name: keyof typeof lists): string {
  return `${[name, ...lists[name]].join('\t')}\n`;
}
