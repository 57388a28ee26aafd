import { expect, test } from 'vitest';
import { copyDatabase } from '../helpers/locations.ts';
import { openHome } from '../year/home.ts';
import { simulateYear } from '../year/year.ts';

/** `npm run year`, short. */
test('six weekly slots with a day without the process and one without the provider, everybody once', async () => {
  // The clocks change on 28 March.
  await using home = await openHome('embedded', new Date('2027-02-24T08:00:00Z'));
  copyDatabase(home.env.DATA_DIR ?? '');
  const report = await simulateYear(home, {
    weeks: 6,
    seed: 3,
    readers: 25,
    change: 0.06,
    fresh: [2, 4],
    reprint: null,
    calm: false,
    source: 'folder',
    provider: 'http',
    from: '2027-02-27',
  });
  expect(report.differences).toEqual([]);
  // That of the third week needs a person; that of the fifth is a day late.
  expect(report.sent).toEqual(['2027-03-02', '2027-03-09', '2027-03-23', '2027-03-30', '2027-04-06']);
}, 400_000);
