import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { FAILPOINTS } from '../chaos/fire.ts';
import { type Ground, layGround } from '../chaos/ground.ts';
import { run } from '../chaos/run.ts';

/** `npm run chaos -- --store services`, short. It has services of its own: it kills them. */
describe.skipIf(inject('servicesMissing') !== '')('an issue under fire, on PostgreSQL and Redis', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await layGround({ store: 'services', program: 'source', readers: 300 });
  }, 400_000);
  afterAll(() => ground?.[Symbol.asyncDispose]());

  test('fault 1: workers that die at every failpoint, one after the other, lose nothing', async () => {
    const report = await run(ground, { seed: 1, kills: FAILPOINTS.length, deaths: FAILPOINTS });
    expect(report.verdict).toMatchObject({ lost: [], doubled: [], afterLeaving: [], faults: [] });
    expect(report.kills).toEqual(FAILPOINTS);
  }, 400_000);

  test('fault 1: no reader is lost, mailed twice or mailed after unsubscribing, whatever process dies', async () => {
    const report = await run(ground, { seed: 4, kills: 4 });
    expect(report.verdict).toMatchObject({ lost: [], doubled: [], afterLeaving: [], faults: [] });
    expect(report.left).toBeGreaterThan(0);
  }, 400_000);
});
