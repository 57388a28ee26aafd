import { describe, expect, it } from 'vitest';
import { isWorthTelling } from '../../src/notices/fault-log.ts';
import { faultOf } from '../../src/platform/faults.ts';

const error = (message: string, code?: string, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), code === undefined ? {} : { code });

describe('D10: what database and queue refuse', () => {
  it.each([
    [error('could not extend file "base/5/1249": No space left on device', '53100'), 'disk-full'],
    [error('could not write to file "pg_wal/xlogtemp.1": No space left on device', '58030'), 'disk-full'],
    [error('sorry, too many clients already', '53300'), 'connections-short'],
    [error('timeout exceeded when trying to connect'), 'connections-short'],
    [error('canceling statement due to statement timeout', '57014'), 'statement-timeout'],
    [error('canceling statement due to user request', '57014'), null],
    [error('canceling statement due to lock timeout', '55P03'), 'lock-timeout'],
    [error("OOM command not allowed when used memory > 'maxmemory'."), 'redis-full'],
    [error('Command timed out'), 'redis-silent'],
    [error('a job failed', undefined, error('x', '53100')), 'disk-full'],
    [error('duplicate key value', '23505'), null],
    ['no error', null],
  ])('is recognised: %s', (found, kind) => {
    expect(faultOf(found)).toBe(kind);
  });

  it('is told at once, or when it is met again where it may be over in a moment', () => {
    const at = new Date();
    const before = new Date(at.getTime() - 20_000);
    expect(isWorthTelling('disk-full', { since: at, at })).toBe(true);
    expect(isWorthTelling('lock-timeout', { since: at, at })).toBe(false);
    expect(isWorthTelling('lock-timeout', { since: before, at })).toBe(true);
  });
});
