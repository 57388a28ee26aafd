import { expect, test } from 'vitest';
import { layGround } from '../chaos/ground.ts';
import { run } from '../chaos/run.ts';

/** `npm run chaos -- --store embedded`, short. */
test('fault 1: an issue on the embedded database finishes under fire, everybody once', async () => {
  await using ground = await layGround({ store: 'embedded', program: 'source', readers: 300 });
  const report = await run(ground, { seed: 2, kills: 2 });
  expect(report.verdict).toMatchObject({ lost: [], doubled: [], afterLeaving: [], faults: [] });
  expect(report.kills.length).toBeGreaterThan(0);
}, 400_000);
