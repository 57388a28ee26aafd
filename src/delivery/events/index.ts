export { type Applied, applyEvents } from './apply.ts';
export type { ProviderEvent } from './outcome.ts';
export {
  forgetEvents,
  hasDueEvents,
  storeEvents,
  suppressSoftBouncers,
} from './store.ts';
