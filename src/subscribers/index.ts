export { type Address, parseAddress } from './address.ts';
export { guarded } from './cells.ts';
export {
  type ConsentFault,
  type SealFound,
  sealConsentLog,
  type VerifiedLog,
  verifyConsentLog,
} from './consent-log/store.ts';
export { exportSubscribers } from './export.ts';
export { type Columns, rowReader } from './formats.ts';
export { type ImportOptions, type ImportReport, importSubscribers } from './import.ts';
export { followLink, type LinkTarget, leaveLinkHandler, unsubscribeByLink } from './links/store.ts';
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
  type Restored,
  restoreSubscriber,
  searchSubscribers,
  suppressSubscriber,
} from './people/store.ts';
export {
  type AddressChange,
  addressChangeHandler,
  CHANGE_HOURS,
  CHANGES,
  changeAddress,
  endPause,
  findAddressChange,
  linkHandler,
  refuseAddressChange,
  takePause,
} from './preferences/store.ts';
export { confirmSubscription, signUpHandler } from './sign-up/answer.ts';
export { type ConsentText, confirmText, consentText, type PrivacyNote } from './sign-up/consent.ts';
export { CONFIRM_HOURS } from './sign-up/limits.ts';
export {
  createDomainCheck,
  type Dns,
  type DomainCheck,
  isDisposable,
  isMailHost,
  suggestDomain,
  systemDns,
  type TakesMail,
} from './sign-up/reputation.ts';
export { isHumanPace, stampForm, TOKEN_LIVES_SECONDS } from './sign-up/stamp.ts';
export {
  addSignUp,
  type Evidence,
  findInvitation,
  forgetOldSignUps,
  type Invitation,
  recordConfirmSent,
  refuseForEver,
  type SignUp,
  wasAskedLately,
} from './sign-up/store.ts';
export {
  changeAddressByFreshLink,
  eraseByFreshLink,
  exportByFreshLink,
  FRESH_LINK_MINUTES,
  FRESH_LINK_PURPOSES,
  type FreshLink,
  type FreshLinkPurpose,
  findFreshLink,
  freshLinkHandler,
  requestFreshLink,
  voidLinks,
} from './step-up/store.ts';
export {
  addSubscribers,
  causeOf,
  countSubscribers,
  findSubscriber,
  findSubscriberByAddress,
  hasSubscribersFrom,
  type Known,
  knownSubscribers,
  type NewSubscriber,
  type Subscriber,
  setTopics,
  unsubscribe,
} from './store.ts';
export { BOUNCE_REASONS, causeInWords, type SuppressionCause, suppressionCause } from './suppression.ts';
export {
  type Claim,
  isOfAnotherKey,
  type Keys,
  keyId,
  oneTimeToken,
  type Scope,
  signer,
  signerOfAll,
  tokenHash,
  verify,
} from './tokens.ts';
