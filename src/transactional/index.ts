export type { Letter } from './letter.ts';
export {
  type ClaimedMail,
  claimMail,
  closeMail,
  type MailKind,
  pendingMails,
  queueMail,
  releaseMail,
} from './store.ts';
