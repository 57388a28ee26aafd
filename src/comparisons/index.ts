export * from './model.ts';
export {
  contentHash,
  entryPrices,
  pairKey,
  shortName,
  shortNames,
  slugFor,
  title,
  topics,
  withoutLooseEnd,
} from './names.ts';
export { knownTopics, type Saved, saveComparisons } from './store.ts';
export {
  CLEAR_LEAD,
  isContested,
  type Pair,
  SHIP_FROM,
  SKIP_TO,
  toolMark,
  verdict,
} from './verdict.ts';
