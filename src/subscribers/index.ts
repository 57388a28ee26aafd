export { type Address, parseAddress } from './address.ts';
export { guarded } from './cells.ts';
export { exportSubscribers } from './export.ts';
export { type Columns, rowReader } from './formats.ts';
export { type ImportOptions, type ImportReport, importSubscribers } from './import.ts';
export {
  eraseSubscriber,
  exportSubscriber,
  findErased,
  type KeptMail,
  type OwnData,
} from './own-data/store.ts';
export {
  type Found,
  type GrowthWeek,
  listGrowth,
  listOrigins,
  type Origin,
  searchSubscribers,
  suppressSubscriber,
} from './people/store.ts';
export {
  type AddressChange,
  changeAddress,
  endPause,
  findAddressChange,
  requestAddressChange,
  requestLink,
  takePause,
} from './preferences/store.ts';
export { type Answered, answerSignUps, confirmSubscription } from './sign-up/answer.ts';
export { type ConsentText, confirmText, consentText, type PrivacyNote } from './sign-up/consent.ts';
export {
  CONFIRM_HOURS,
  foldAddress,
  type Limit,
  PER_INBOX,
  REQUESTS,
  SUSPICIOUS_REQUESTS,
} from './sign-up/limits.ts';
export {
  createDomainCheck,
  type Dns,
  type DomainCheck,
  isDisposable,
  suggestDomain,
  systemDns,
  type TakesMail,
} from './sign-up/reputation.ts';
export { isHumanPace, stampForm } from './sign-up/stamp.ts';
export {
  addSignUp,
  type Evidence,
  findInvitation,
  forgetOldSignUps,
  type Invitation,
  postponedDomains,
  recordConfirmSent,
  refuseForEver,
  type SignUp,
} from './sign-up/store.ts';
export {
  addSubscribers,
  countSubscribers,
  findSubscriber,
  findSubscriberByAddress,
  hasSubscribersFrom,
  knownSubscribers,
  type NewSubscriber,
  type Subscriber,
  setTopics,
  unsubscribe,
} from './store.ts';
export {
  type Claim,
  type Keys,
  keyId,
  oneTimeToken,
  type Scope,
  signer,
  signerOfAll,
  tokenHash,
  verify,
} from './tokens.ts';
