import { expect, test } from 'vitest';
import { growthFaults, type WeekCost } from './measure.ts';

const weeks = (cost: (week: number) => Partial<WeekCost> & { heap?: number }): WeekCost[] =>
  Array.from({ length: 60 }, (_, index) => {
    const { heap = 80, ...more } = cost(index + 1);
    return {
      ...{ archive: 20 + index * 8, draftSeconds: 1, sendSeconds: 2, memory: { rss: 500, heap } },
      ...more,
    };
  });

test('a year that costs the same each week has no fault, whatever its first weeks cost', () => {
  expect(growthFaults(weeks((week) => (week < 10 ? { draftSeconds: 20, heap: 20 } : {})))).toEqual([]);
});

test('a heap that grows by half a megabyte a week is a fault', () => {
  expect(growthFaults(weeks((week) => ({ heap: 80 + week / 2 })))).toEqual([
    'the heap grew by 23 MB after week 10',
  ]);
});

test('time may grow with the archive, and not with its square', () => {
  expect(growthFaults(weeks((week) => ({ draftSeconds: week, sendSeconds: week })))).toEqual([]);
  expect(growthFaults(weeks((week) => ({ draftSeconds: week ** 2, sendSeconds: 1 })))).toEqual([
    expect.stringMatching(/times as long/u),
  ]);
});

test('a short year says nothing about growth', () => {
  expect(growthFaults(weeks((week) => ({ heap: week * 10 })).slice(0, 20))).toEqual([]);
});
