export { audit, auditRefusal, listAudit, REFUSALS_AN_HOUR } from './audit.ts';
export { BROWSER_COOKIE_DAYS, isOwnBrowser, signBrowser } from './browsers.ts';
export type { AuditEntry, Deed, ListedAudit } from './deeds.ts';
export {
  addPasskey,
  canHavePasskeys,
  listPasskeys,
  PASSKEY_NAME_ROOM,
  PASSKEY_POLICIES,
  type Passkey,
  type PasskeyPolicy,
  type PasskeyStep,
  passkeyOptions,
  passkeyStep,
  relyingPartyOf,
  removePasskey,
  renamePasskey,
  resetPasskeys,
  usePasskey,
} from './passkeys/passkeys.ts';
export { remindEditors } from './reminders.ts';
export { findReview, listReviews, openReview, type Review, revokeReview } from './reviews.ts';
export {
  type Editor,
  endAccessOfFormerEditors,
  endSession,
  endSessionsOf,
  FRESH_MINUTES,
  LINK_MINUTES,
  printLink,
  type Role,
  requireEditor,
  type Session,
  sessionOf,
  signIn,
  signInLinkHandler,
} from './sessions.ts';
export { lastTakeDown, recordShown, recordTakeDown } from './take-downs.ts';
