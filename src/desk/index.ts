export { audit, auditRefusal, listAudit } from './audit.ts';
export { BROWSER_COOKIE_DAYS, isOwnBrowser, signBrowser } from './browsers.ts';
export type { AuditEntry, Deed } from './deeds.ts';
export { remindEditors } from './reminders.ts';
export { findReview, listReviews, openReview, type Review, revokeReview } from './reviews.ts';
export {
  type Editor,
  endSession,
  endSessionsOf,
  type Role,
  type Session,
  sessionOf,
  signIn,
  signInLinkHandler,
} from './sessions.ts';
export { lastTakeDown, recordShown, recordTakeDown } from './take-downs.ts';
