import { describeQueues } from './conformance/desk-queues.ts';

describeQueues('PGlite', async () => ({ env: {}, close: async () => {} }));
