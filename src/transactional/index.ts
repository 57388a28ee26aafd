export { networksOf, REQUESTS, SUSPICIOUS_REQUESTS, UNSUSPECTED_REQUESTS } from '../http/networks.ts';
export type { Letter } from './letter.ts';
export {
  type Answered,
  answerMailRequests,
  type MailRequestHandler,
  type MailRequestHandlers,
} from './requests/answer.ts';
export { admitAtOnce } from './requests/at-once.ts';
export { domainsOfInbox, foldAddress, type Limit, type MailRequestKind } from './requests/policy.ts';
export {
  addMailRequest,
  forgetOldCounts,
  type MailRequest,
  type NewMailRequest,
  postponedDomains,
  refusedKeysAmong,
  refuseInbox,
} from './requests/store.ts';
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
