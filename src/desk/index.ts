export { audit, auditRefusal, listAudit } from './audit.ts';
export type { AuditEntry, Deed } from './deeds.ts';
export { remindEditors } from './reminders.ts';
export { findReview, listReviews, openReview, type Review, revokeReview } from './reviews.ts';
export {
  askForLink,
  type Editor,
  endSession,
  endSessionsOf,
  type Role,
  type Session,
  sessionOf,
  signIn,
} from './sessions.ts';
