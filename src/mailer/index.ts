export { openOutbox } from './outbox.ts';
export type { BatchRequest, ItemOutcome, Mailer, Message, Outcome, SingleMail } from './port.ts';
