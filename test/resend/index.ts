export type { Tag, WireEmail } from './contract.ts';
export {
  type Arrived,
  FAULTS,
  type Fault,
  type FaultName,
  type Planner,
  randomFaults,
  seeded,
} from './faults.ts';
export type { Accepted, Recording, Refused } from './ledger.ts';
export { eventOf, eventsOf, type Fate } from './outcomes.ts';
export { type LocalResend, type LocalResendOptions, startResend } from './server.ts';
export { type ProviderEvent, signHeaders, type WebhookOptions } from './webhooks.ts';
