import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemOutcome } from '../../src/providers/port.ts';
import { isRefusalOfAll, sizeOfFirstPart, suspiciousRefusals } from '../../src/sending/refusals/refusals.ts';

describe('D1: refusals are the addresses’ fault', () => {
  test.each([
    [1, 1, false],
    [2, 2, false],
    [2, 9, false],
    [3, 3, true],
    [1, 10, true],
  ])('or not: %i requests with %i readers', (requests, readers, isAll) => {
    expect(isRefusalOfAll({ requests, readers }, false)).toBe(isAll);
  });

  test('or not, when two readers are all that an issue had', () => {
    expect(isRefusalOfAll({ requests: 1, readers: 2 }, true)).toBe(true);
    expect(isRefusalOfAll({ requests: 1, readers: 1 }, true)).toBe(false);
  });

  test('while an answer accepts most of its messages', () => {
    const item = fc.oneof(
      fc.record({ accepted: fc.uuid() }),
      fc.record({ rejected: fc.constantFrom('bad address', 'quota') }),
    );
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 100 }), (items: ItemOutcome[]) => {
        const found = suspiciousRefusals(items);
        const refused = items.filter((each) => 'rejected' in each).length;
        if (refused * 2 <= items.length) expect(found).toBeNull();
        if (refused === items.length) expect(found?.readers).toBe(refused);
      }),
    );
  });
});

test('a refused batch is asked again for one member first, and halved only when that was accepted', () => {
  expect(sizeOfFirstPart(100, 1, false)).toBe(1);
  expect(sizeOfFirstPart(99, 2, true)).toBe(1);
  expect(sizeOfFirstPart(99, 2, false)).toBe(50);
});
