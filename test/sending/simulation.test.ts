import { expect, it } from 'vitest';
import { type Scenario, simulate } from '../simulate/simulate.ts';

const STORM: Scenario = {
  ...{ readers: 50_000, seed: 7, workers: 2, ratePerSecond: 10, isPermissive: true },
  ...{ faults: 0.2, killEveryMinutes: 0.2, leavingPerHour: 0.24, badAddresses: 0.0001 },
  outages: [[10_000, 200_000]],
};

it('a simulated issue ends by itself in a storm, with every reader in one column, and its seed repeats it', () => {
  const report = simulate(STORM);
  expect(report).toMatchObject({ status: 'sent', lost: 0, doubled: 0, uncertain: 0 });
  expect(report.kills).toBeGreaterThan(0);
  expect(report.repeated).toBeGreaterThan(10);
  expect({ ...simulate(STORM), memory: 0 }).toEqual({ ...report, memory: 0 });
});

it('a simulated provider that is away for longer than it remembers keys leaves batches to a person', () => {
  const report = simulate({ ...STORM, outages: [[10_000, 21 * 3_600_000]], readers: 5_000 });
  expect(report).toMatchObject({ status: 'waits for a person', lost: 0, doubled: 0 });
  expect(report.uncertain).toBeGreaterThan(0);
});
