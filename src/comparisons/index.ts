export * from './model.ts';
export {
  canonicalUrl,
  contentHash,
  entryPrices,
  nameKey,
  pairKey,
  shortName,
  shortNames,
  slugFor,
  title,
  topics,
  withoutLooseEnd,
} from './names.ts';
export { type Change, changeInWords, changesBetween, type Part } from './revisions.ts';
export {
  findComparison,
  findPublicComparison,
  knownTopics,
  lastChange,
  listComparisons,
  type Pushed,
  pushComparison,
  type Revision,
  revisionsOf,
  type Saved,
  type StoredComparison,
  saveComparisons,
} from './store.ts';
export {
  CLEAR_LEAD,
  communityOf,
  isContested,
  type Pair,
  QUORUM,
  SHIP_FROM,
  SKIP_TO,
  shipShare,
  toolMark,
  verdict,
} from './verdict.ts';
export {
  findHidden,
  type Hidden,
  type ListedComparison,
  lastVisibilityChange,
  listWithVisibility,
  markHidden,
  markShown,
  type Publish,
  publicAmong,
  type VisibilityChange,
} from './visibility/store.ts';
export { BURST, isBurst, NETWORK_DAYS } from './votes/burst.ts';
export {
  type Ballot,
  castVote,
  countVotes,
  decideSetAside,
  forgetVoteNetworks,
  isCounted,
  isVoterCounted,
  listSetAside,
  type SetAside,
  type VoteOrigin,
  type VoteState,
  votesOf,
  withVotes,
} from './votes/store.ts';
