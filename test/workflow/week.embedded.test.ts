import { describeWeek } from '../conformance/week.ts';
import { copyDatabase } from '../helpers/locations.ts';

describeWeek('PGlite', async (dataDir) => {
  copyDatabase(dataDir);
  return { env: {}, close: async () => {} };
});
