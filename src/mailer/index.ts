export { openOutbox } from './outbox.ts';
export type { BatchRequest, ItemOutcome, Mailer, Message, Outcome } from './port.ts';
