import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import type { DatabaseLocation } from '../helpers/locations.ts';
import { openToOthers, otherUser, takenByOther } from '../helpers/other-user.ts';

/** A typical umask: a file written without a mode is readable by everybody. */
const USUAL_UMASK = 0o022;

/**
 * Only its owner can read DATA_DIR and its content, whatever the umask, on both backends.
 * @param newLocation a path whose parent folder other users may enter.
 */
export function describePrivateFiles(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    let location: DatabaseLocation;
    let env: Record<string, string>;
    let umask: number;

    beforeAll(async () => {
      umask = process.umask(USUAL_UMASK);
      location = await newLocation();
      chmodSync(path.dirname(location.dataDir), 0o755);
      env = {
        DATA_DIR: location.dataDir,
        POSTAL_ADDRESS: '1 Street',
        ...(location.databaseUrl === undefined
          ? {}
          : { DATABASE_URL: location.databaseUrl, SECRET_KEY: 'k'.repeat(32) }),
      };
    });
    afterAll(async () => {
      process.umask(umask);
      await location?.[Symbol.asyncDispose]();
    });

    const expectPrivate = (folder: string) => {
      expect(openToOthers(folder), 'open by its mode').toEqual([]);
      const other = otherUser();
      if (other !== undefined) expect(takenByOther(folder, other), 'what another user gets at').toEqual([]);
    };

    it('F2: no file that a week leaves under DATA_DIR can be listed or read by another user', async () => {
      const demo = await runCommand(['demo', '--subscribers', '3'], env);
      expect(demo).toMatchObject({ code: 0 });
      expect(readdirSync(location.dataDir)).toContain('outbox');
      expectPrivate(location.dataDir);
    }, 300_000);

    it('F2: nor can files that commands write elsewhere, even over a file that others could read', async () => {
      const folder = path.join(path.dirname(location.dataDir), 'given');
      mkdirSync(folder);
      const list = path.join(folder, 'list.csv');
      writeFileSync(`${list}.part`, 'left by an export that was interrupted');
      writeFileSync(list, 'older');
      expect(await runCommand(['subscribers', 'export', '--out', list], env)).toMatchObject({ code: 0 });
      const broken = path.join(folder, 'broken.csv');
      writeFileSync(broken, 'email\nnobody\n', { mode: 0o600 });
      writeFileSync(`${broken}.rejected.csv`, 'older');
      expect(await runCommand(['subscribers', 'import', broken], env)).toMatchObject({ code: 1 });
      const out = path.join(folder, 'preview', 'of', 'today');
      expect(await runCommand(['preview', '--out', out], env)).toMatchObject({ code: 0 });
      chmodSync(folder, 0o700);
      expectPrivate(folder);
    });

    it('F2: the next start closes a DATA_DIR that was open to all, and follows none of its links', async () => {
      const outside = path.join(path.dirname(location.dataDir), 'outside.txt');
      writeFileSync(outside, 'not ours to change', { mode: 0o644 });
      openToAll(location.dataDir);
      symlinkSync(outside, path.join(location.dataDir, 'link'));
      writeFileSync(path.join(location.dataDir, 'backup.csv'), 'a@b.example', { mode: 0o644 });
      expect(openToOthers(location.dataDir).length).toBeGreaterThan(5);
      await using _database = await location.open();
      expect((await runCommand(['doctor', '--json'], env)).stdout).toContain('DATA_DIR');
      expect(statSync(outside).mode & 0o777).toBe(0o644);
      rmSync(path.join(location.dataDir, 'link'));
      expectPrivate(location.dataDir);
    });
  });
}

/** The file modes of an installation made by an older version. */
function openToAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const mode = entry.isDirectory() ? 0o755 : 0o666;
    if (!entry.isSymbolicLink()) chmodSync(path.join(entry.parentPath, entry.name), mode);
  }
  chmodSync(folder, 0o755);
}
