import { describe, expect, it } from 'vitest';
import { BURST, isBurst } from '../../src/comparisons/votes/burst.ts';

describe('F12: votes of one network within an hour', () => {
  const alone = (narrow: number, wide = 0) => isBurst({ narrow, wide, all: Math.max(narrow, wide) });

  it('are a burst above a number that no household has', () => {
    expect([alone(1), alone(BURST.votes), alone(BURST.votes + 1), alone(300)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('are none when most readers vote from elsewhere at that time', () => {
    expect(isBurst({ narrow: 20, wide: 0, all: 100 })).toBe(false);
    expect(isBurst({ narrow: 21, wide: 0, all: 100 })).toBe(true);
  });

  it('are a burst of the wider network too, which has many narrow ones', () => {
    expect([alone(1, BURST.wideVotes), alone(1, BURST.wideVotes + 1)]).toEqual([false, true]);
    expect(isBurst({ narrow: 1, wide: 40, all: 1_000 })).toBe(false);
  });
});
