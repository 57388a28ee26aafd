import { describeWeek } from './conformance/week.ts';

describeWeek('PGlite', async () => ({ env: {}, close: async () => {} }));
