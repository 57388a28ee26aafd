export type { Letter } from './letter.ts';
export {
  type ClaimedMail,
  claimMail,
  closeMail,
  type MailKind,
  type NewMail,
  pendingMails,
  queueMail,
  queueMails,
  releaseMail,
  returnMail,
} from './store.ts';
