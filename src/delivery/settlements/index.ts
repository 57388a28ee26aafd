export { type Settled, settleBatch } from './settle.ts';
export { type UnsettledBatch, unsettledBatches } from './store.ts';
