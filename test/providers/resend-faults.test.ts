import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emails, resendForEach } from '../helpers/local-resend.ts';
import { FAULTS, type FaultName, type LocalResend, randomFaults } from '../resend/index.ts';

/** Every fault that the local Resend can simulate. */

let local: LocalResend;
const { sdk } = resendForEach((started) => {
  local = started;
});

describe('a planned fault', () => {
  /** Accepted or not, and how the SDK reports the answer. */
  const met = async (name: FaultName) => {
    local.plan(name);
    const signal = AbortSignal.timeout(1_000);
    const { data, error, headers } = await sdk().batch.send(emails(4), {
      idempotencyKey: `fault/${name}`,
      batchValidation: 'permissive',
      signal,
    });
    return { accepted: local.total, ids: data?.data?.length, errors: data?.errors?.length, error, headers };
  };

  it.each<[FaultName, number | null, string | undefined]>([
    ['429', 429, 'rate_limit_exceeded'],
    ['daily-quota', 429, 'daily_quota_exceeded'],
    ['monthly-quota', 429, 'monthly_quota_exceeded'],
    ['403-domain', 403, 'validation_error'],
    ['413', 413, 'application_error'],
    ['500', 500, 'application_error'],
    ['500-empty', 500, 'application_error'],
    ['502-html', 502, 'application_error'],
    ['503', 503, 'service_unavailable'],
    ['reset-before', null, 'application_error'],
    ['hang-before', null, 'application_error'],
    ['concurrent', 409, 'concurrent_idempotent_requests'],
  ])('%s: no message was accepted', async (name, statusCode, error) => {
    expect(await met(name)).toMatchObject({ accepted: 0, error: { statusCode, name: error } });
  });

  it.each<[FaultName, number | null | undefined]>([
    ['500-accepted', 500],
    ['502-accepted', 502],
    ['504-accepted', 504],
    ['reset-after', null],
    ['hang-after', null],
    ['truncated', null],
    ['html-in-200', null],
  ])('%s: all messages were accepted, and a replay says so', async (name, statusCode) => {
    expect(await met(name)).toMatchObject({ accepted: 4, error: { statusCode } });
    const { accepted, ids } = await metAgain(name);
    expect({ accepted, ids }).toEqual({ accepted: 4, ids: 4 });
  });

  const metAgain = async (name: FaultName) => {
    local.calm();
    const { data } = await sdk().batch.send(emails(4), {
      idempotencyKey: `fault/${name}`,
      batchValidation: 'permissive',
    });
    return { accepted: local.total, ids: data?.data.length };
  };

  it('short, reordered, duplicated and error-in-200 are undocumented answers', async () => {
    expect(await met('short')).toMatchObject({ accepted: 4, ids: 3, error: null });
    const inOrder = () => local.accepted().map(({ id }) => id);
    local.plan('reordered');
    const { data } = await sdk().batch.send(emails(4));
    expect(data?.data.map(({ id }) => id)).toEqual(inOrder().slice(4).reverse());
    local.plan('duplicated');
    const twice = await sdk().batch.send(emails(4));
    expect(new Set(twice.data?.data.map(({ id }) => id)).size).toBe(1);
    local.plan('error-in-200');
    expect(await sdk().batch.send(emails(4))).toMatchObject({ data: { name: 'application_error' } });
    expect(local.total).toBe(16);
  });

  it('half: every second message is refused like a bad address', async () => {
    expect(await met('half')).toMatchObject({ accepted: 2, ids: 2, errors: 2, error: null });
  });

  it('says when to retry, in seconds or as a date', async () => {
    expect((await met('429-retry-after')).headers?.['retry-after']).toBe('1');
    expect((await met('429-retry-date')).headers?.['retry-after']).toBe('Tue, 24 Nov 2026 09:00:01 GMT');
    expect((await met('429')).headers?.['retry-after']).toBeUndefined();
  });

  it('is chosen by its seed, the same every time', () => {
    const names = Object.keys(FAULTS) as FaultName[];
    const drawn = (seed: number) => {
      const planner = randomFaults(seed, 0.4, names);
      return Array.from({ length: 200 }, () => planner({ path: '/emails', key: null, attempt: 1 }) ?? null);
    };
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(drawn(seed)).toEqual(drawn(seed));
      }),
    );
    expect(drawn(1)).not.toEqual(drawn(2));
    expect(drawn(3).filter((fault) => fault !== null).length).toBeGreaterThan(40);
  });
});
