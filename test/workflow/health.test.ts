import { describe, expect, it } from 'vitest';
import type { Issue } from '../../src/issues/issue-store.ts';
import { cachedHealth, findLateSlot, type Health, unavailable } from '../../src/workflow/health.ts';

const DUE = new Date('2027-01-05T09:00:00Z');
const slot = { key: '2027-01-05', label: '2027-01-05', dueAt: DUE };
const minutesLater = (minutes: number) => new Date(DUE.getTime() + minutes * 60_000);

function issue(status: Issue['status'], more: Partial<Issue> = {}) {
  return {
    slug: '2027-01-05',
    slot: '2027-01-05',
    dueAt: DUE,
    lateAt: null,
    finishedAt: null,
    status,
    ...more,
  };
}

describe('a late slot', () => {
  const latest = { slot, issue: { slug: slot.key } };

  it('is none before its time, and once its issue is final', () => {
    expect(findLateSlot([issue('review')], latest, minutesLater(-1))).toBeNull();
    expect(findLateSlot([], latest, minutesLater(600))).toBeNull();
    expect(findLateSlot([], null, minutesLater(600))).toBeNull();
  });

  it.each([
    ['approved', 14, true],
    ['approved', 16, false],
    ['preparing', 16, false],
    ['sending', 119, true],
    ['sending', 121, false],
    ['paused', 1, false],
    ['failed', 1, false],
  ] as const)('%s, %i minutes after it: excused is %s', (status, minutes, isExcused) => {
    expect(findLateSlot([issue(status)], latest, minutesLater(minutes))).toEqual({
      ...{ slug: '2027-01-05', lateMs: minutes * 60_000, isExcused },
    });
  });

  it('D1: is none because of an issue that was sent and is tried again with some readers', () => {
    const retried = issue('sending', { finishedAt: minutesLater(5) });
    expect(findLateSlot([retried], latest, minutesLater(6 * 24 * 60))).toBeNull();
  });

  it('without any issue is late too: nothing could be composed', () => {
    const nothing = { slot, issue: undefined };
    expect(findLateSlot([], nothing, minutesLater(10))).toMatchObject({ isExcused: true });
    expect(findLateSlot([], nothing, minutesLater(16))).toMatchObject({
      slug: '2027-01-05',
      isExcused: false,
    });
  });

  it('an older late issue, whose comparisons the latest slot may carry, counts no longer', () => {
    const old = issue('paused', {
      slug: 'old',
      slot: '2026-12-29',
      dueAt: minutesLater(-7 * 24 * 60),
      lateAt: DUE,
    });
    expect(findLateSlot([old], latest, minutesLater(600))).toBeNull();
    expect(findLateSlot([{ ...old, lateAt: null }], latest, minutesLater(600))).toMatchObject({
      slug: 'old',
    });
    expect(findLateSlot([old, issue('paused', { lateAt: DUE })], latest, minutesLater(60))).toMatchObject({
      slug: '2027-01-05',
    });
  });
});

describe('the answer of /healthz?deep', () => {
  const well: Health = { ...unavailable(), status: 'ok', failing: [] };

  it('is read once however many ask, and again when it is some seconds old', async () => {
    let checks = 0;
    let now = 0;
    const health = cachedHealth(
      async () => ({ ...well, queue: { isAvailable: true, oldestSeconds: ++checks } }),
      {
        freshMs: 5_000,
        now: () => now,
      },
    );
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => health()));
    expect(new Set(answers.map(({ queue }) => queue.oldestSeconds))).toEqual(new Set([1]));
    now = 4_999;
    await health();
    expect(checks).toBe(1);
    now = 5_000;
    await health();
    expect(checks).toBe(2);
  });

  it('is failing while the check throws or hangs, and one check runs at a time', async () => {
    let checks = 0;
    const throwing = cachedHealth(async () => {
      throw new Error('no database');
    });
    expect(await throwing()).toEqual(unavailable());
    let release = () => {};
    const hanging = cachedHealth(
      () => {
        checks += 1;
        return new Promise<Health>((resolve) => {
          release = () => resolve(well);
        });
      },
      { patienceMs: 1 },
    );
    expect((await hanging()).status).toBe('failing');
    expect((await hanging()).status).toBe('failing');
    expect(checks).toBe(1);
    release();
    await new Promise(setImmediate);
    expect((await hanging()).status).toBe('ok');
  });
});
