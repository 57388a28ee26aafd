import { createApp } from '../../src/app/app.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { draft, slotToCompose } from '../../src/workflow/week.ts';
import { contender } from '../child.ts';
import { SETTINGS, sampleComparisons } from '../issue.ts';

/** Not measured: a list of confirmed readers, and an issue in review for them. */
await contender(async ({ env, readers }: { env: Record<string, string>; readers: number }) => {
  const { config, secrets } = loadConfig({ ...SETTINGS, ...env });
  await using app = await createApp(config, secrets);
  await saveComparisons(app.db, await sampleComparisons());
  await draft(app, await slotToCompose(app));

  const confirmedAt = new Date('2026-11-01T00:00:00Z');
  for (let from = 0; from < readers; from += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, readers - from) }, (_, index) => {
      const email = `reader-${from + index + 1}@readers.example.org`;
      return { email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt };
    });
    await addSubscribers(app.db, rows, 'bench');
  }
  // Autovacuum would have done this long before the issue is due. PGlite has none, and gets none.
  if (app.database.backend === 'postgres') await app.database.queuePool().query('vacuum analyze');
  return {};
});
