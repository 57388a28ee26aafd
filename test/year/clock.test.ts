import { expect, test } from 'vitest';
import { VirtualClock } from './clock.ts';

test('a virtual clock moves Date forward, leaves given times alone, and is undone', () => {
  const real = Date.now();
  {
    using clock = new VirtualClock(new Date('2031-05-06T07:08:09Z'));
    expect(new Date().toISOString()).toMatch(/^2031-05-06T07:08:(?:09|10)/u);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse('2031-05-06T07:08:09Z'));
    clock.goTo(new Date('2031-05-07T00:00:00Z'));
    clock.goTo(new Date('2031-05-06T00:00:00Z'));
    expect(clock.now.toISOString()).toMatch(/^2031-05-07T00:00:0[01]/u);
    expect(new Date(0).getTime()).toBe(0);
    expect(new Date('2020-01-02') instanceof Date).toBe(true);
    expect(Date.UTC(2020, 0, 2)).toBe(Date.parse('2020-01-02'));
  }
  expect(Date.now() - real).toBeLessThan(60_000);
});
