import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineFiles } from '../../src/app/doctor.ts';
import { closeFolder, makePrivate } from '../../src/platform/private-folder.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { openToOthers } from '../helpers/other-user.ts';
import { start } from '../helpers/processes.ts';

/** The uid of another user. */
const STRANGER = 54_321;

describe('a private folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let dataDir: string;
  beforeEach(() => {
    folder = temporaryFolder();
    dataDir = path.join(folder.path, 'data');
  });
  afterEach(() => folder[Symbol.dispose]());

  const told = (user?: number) =>
    examineFiles({ dataDir }, path.join(folder.path, '.env'), user).map(
      ({ level, about, help }) => `${level} ${about} ${help}`,
    );
  it('is created private, and doctor finds nothing to fix', () => {
    makePrivate(dataDir);
    expect(openToOthers(dataDir)).toEqual([]);
    expect(told()).toEqual(['ok DATA_DIR ']);
  });

  it('F2: is closed with everything in it, and its owner keeps all rights', () => {
    mkdirSync(path.join(dataDir, 'outbox', 'deep'), { recursive: true, mode: 0o777 });
    writeFileSync(path.join(dataDir, 'outbox', 'deep', 'mail.eml'), 'x');
    writeFileSync(path.join(dataDir, 'outbox', 'script'), 'x');
    chmodSync(path.join(dataDir, 'outbox', 'script'), 0o755);
    closeFolder(dataDir);
    expect(openToOthers(dataDir)).toEqual([]);
    chmodSync(dataDir, 0o755);
    expect(openToOthers(dataDir)).toEqual(['755 .']);
  });

  it('F2: doctor says that it belongs to another user, and what to run', () => {
    makePrivate(dataDir);
    expect(told(STRANGER)).toEqual([
      `warn DATA_DIR Run: chown -R ${STRANGER} ${dataDir} && chmod 700 ${dataDir}`,
    ]);
    chmodSync(dataDir, 0o755);
    expect(told(STRANGER)).toEqual([
      `block DATA_DIR Run: chown -R ${STRANGER} ${dataDir} && chmod 700 ${dataDir}`,
    ]);
  });

  it('F2: doctor says that a folder stays open when its mode cannot be changed', () => {
    // As on a file system without modes: chmod has no effect.
    makePrivate(dataDir);
    chmodSync(dataDir, 0o777);
    expect(told()).toEqual([expect.stringMatching(/^block DATA_DIR Move DATA_DIR to a file system/)]);
  });

  it('F2: doctor says that anybody could replace it by another folder', () => {
    makePrivate(dataDir);
    chmodSync(folder.path, 0o777);
    expect(told()).toEqual([`warn DATA_DIR Run: chmod o-w ${folder.path}`]);
    chmodSync(folder.path, 0o1777);
    expect(told()).toEqual(['ok DATA_DIR ']);
  });

  it('F2: doctor says that everybody can read the secrets in .env', () => {
    makePrivate(dataDir);
    const settings = path.join(folder.path, '.env');
    writeFileSync(settings, 'API_TOKEN=x');
    chmodSync(settings, 0o644);
    expect(told()).toEqual(['ok DATA_DIR ', `warn ${settings} Run: chmod 600 ${settings}`]);
    chmodSync(settings, 0o640);
    expect(told()).toEqual(['ok DATA_DIR ']);
  });

  it('that cannot be created is refused in one line that names it', () => {
    writeFileSync(dataDir, 'a file');
    expect(() => makePrivate(path.join(dataDir, 'below'))).toThrow(
      /^DATA_DIR cannot be used \(ENOTDIR\): .*below\.$/,
    );
  });
});

it('F2: the program creates no file that others may read, whatever its umask at start', async () => {
  const report = 'process.once("exit",()=>console.log("umask",process.umask().toString(8)))';
  const { stdout } = await start('src/main.ts', ['--help'], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(report)}`,
  }).ended;
  expect(stdout).toContain('umask 77');
});
