import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Every entry under a folder, and the folder itself, that a user other than its owner has any right on. */
export function openToOthers(folder: string): string[] {
  const { mode } = lstatSync(folder);
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return [
    ...((mode & 0o077) === 0 ? [] : [`${(mode & 0o777).toString(8)} .`]),
    ...entries.flatMap((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const bits = lstatSync(file).mode & 0o777;
      return (bits & 0o077) === 0 ? [] : [`${bits.toString(8)} ${path.relative(folder, file)}`];
    }),
  ];
}

/** Another user of this machine; undefined when only root could switch to one. */
export function otherUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** Names and contents under a folder that another user can read, by listing it or by knowing a file's path. */
export function takenByOther(folder: string, user: { uid: number; gid: number }): string[] {
  const as = { ...user, encoding: 'utf8', cwd: '/' } as const;
  const listed = spawnSync('find', [folder, '-mindepth', '1'], as).stdout.split('\n').filter(Boolean);
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  // `test` checks a thousand files in one process, and fails for each that cannot be read.
  const script = 'while read -r file; do if test -r "$file" || test -w "$file"; then echo "$file"; fi; done';
  const read = spawnSync('sh', ['-c', script], { ...as, input: `${files.join('\n')}\n` }).stdout;
  return [...new Set([...listed, ...read.split('\n').filter(Boolean)])];
}
