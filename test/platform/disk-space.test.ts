import { describe, expect, it } from 'vitest';
import { type Disk, diskFull } from '../../src/platform/db/disk-space.ts';
import { explain } from '../../src/platform/errors.ts';

const MB = 1024 * 1024;
const cause = new Error('PGlite failed to initialize properly');
const refuse = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};
const disk = (freeMb: number, tryWriting: Disk['tryWriting'] = () => {}): Disk => ({
  freeBytes: () => freeMb * MB,
  tryWriting,
});

describe('D5: a database that does not open', () => {
  it.each([
    ['nothing is free', disk(0, refuse('ENOSPC'))],
    ['too little is free for a start', disk(5)],
    ['a quota is used up', disk(90_000, refuse('EDQUOT'))],
  ])('because %s, says so, and asks for nothing but space', (_, full) => {
    const error = diskFull('/srv/verdict', cause, full);
    expect(error).toMatchObject({ code: 'disk-full', cause });
    const said = explain(error);
    expect(said).toMatch(
      /^The disk of DATA_DIR \(\/srv\/verdict\) is full: \d+ MB are free, 32 are needed\./,
    );
    expect(said).toContain('start again');
    expect(said).not.toMatch(/restore|move|empty|delete/i);
  });

  it('for another reason is not blamed on the disk', () => {
    expect(diskFull('/srv/verdict', cause, disk(90_000))).toBeUndefined();
    expect(diskFull('/srv/verdict', cause, disk(90_000, refuse('EACCES')))).toBeUndefined();
  });
});
