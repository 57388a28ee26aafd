export { type Applied, applyEvents } from './apply.ts';
export type { ProviderEvent } from './outcome.ts';
export { type Settled, settleBatch } from './settle.ts';
export {
  forgetEvents,
  hasDueEvents,
  type NewEvent,
  storeEvents,
  suppressSoftBouncers,
  type UnsettledBatch,
  unsettledBatches,
} from './store.ts';
