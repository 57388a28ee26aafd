import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Keeps the programs and folders that must not outlive this process, whatever ends it. Killed without warning it can
 * clean up nothing; so a shell, in a session of its own that no Ctrl-C reaches, reads what there is, and when
 * nobody is left to tell it more, it ends the programs and removes the folders.
 */

/** The shell's part: a list a line, its items between tabs, each line in place of the one before it of its name. */
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

/** `QUIT` ends PostgreSQL at once and lets it give back its shared memory. */
export type Ending = 'KILL' | 'QUIT';

const lists: Record<Ending | 'folders', Set<string>> = {
  KILL: new Set(),
  QUIT: new Set(),
  folders: new Set(),
};
let shell: ChildProcess | undefined;

/** Until it has ended, `child` is ended with this process. */
export function wardProcess(child: ChildProcess, ending: Ending = 'KILL'): void {
  if (child.pid !== undefined) child.once('exit', cleanup(ending, String(child.pid)));
}

/** `folder` is removed with this process. @returns takes it out of care. */
export function wardFolder(folder: string): () => void {
  return cleanup('folders', folder);
}

function cleanup(name: keyof typeof lists, item: string): () => void {
  lists[name].add(item);
  tell(name);
  return () => {
    lists[name].delete(item);
    tell(name);
  };
}

function tell(name: keyof typeof lists): void {
  if (shell === undefined) {
    shell = spawn('sh', ['-c', SHELL], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    shell.on('error', () => {});
    // It lives as long as we do, and must not be the reason why we live on.
    shell.unref();
    shell.stdin?.on('error', () => {});
    (shell.stdin as Socket).unref();
    process.once('exit', endNow);
  }
  shell.stdin?.write(lineOf(name));
}

/** Whoever is told to go, and whoever goes with something left, waits until it is gone. */
function endNow(): void {
  const names = Object.keys(lists) as (keyof typeof lists)[];
  if (names.every((name) => lists[name].size === 0)) return;
  spawnSync('sh', ['-c', SHELL], { input: names.map(lineOf).join(''), stdio: ['pipe', 'ignore', 'ignore'] });
}

function lineOf(name: keyof typeof lists): string {
  return `${[name, ...lists[name]].join('\t')}\n`;
}
