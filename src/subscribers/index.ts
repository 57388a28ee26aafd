export { type Address, parseAddress } from './address.ts';
export { exportSubscribers } from './export.ts';
export type { Columns } from './formats.ts';
export { type ImportOptions, type ImportReport, importSubscribers } from './import.ts';
export { eraseSubscriber, exportSubscriber, type OwnData } from './own-data/store.ts';
export {
  type AddressChange,
  changeAddress,
  endPause,
  findAddressChange,
  requestAddressChange,
  requestLink,
  takePause,
} from './preferences/store.ts';
export {
  addSubscribers,
  countSubscribers,
  findSubscriber,
  hasSubscribersFrom,
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
  tokenHash,
  verify,
} from './tokens.ts';
