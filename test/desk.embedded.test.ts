import { describeDesk } from './conformance/desk.ts';

describeDesk('PGlite', async () => ({ env: {}, close: async () => {} }));
