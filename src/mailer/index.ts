export { type Body, bodyOf } from './body.ts';
export { keyMissing, sentElsewhere } from './elsewhere.ts';
export { openOutbox } from './outbox.ts';
export { type OutboxFiles, openOutboxFiles } from './outbox-files.ts';
export {
  type BatchRequest,
  type Copy,
  type ItemOutcome,
  type Mailer,
  type Message,
  messagesOf,
  type Outcome,
  type Segments,
  type SingleMail,
  type Variant,
} from './port.ts';
export { openResend } from './resend.ts';
