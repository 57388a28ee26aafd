export type { MailedComparison } from './changes.ts';
export { type ComposeInput, type Composition, compose, type EditorChoices, type Plan } from './compose.ts';
export * from './content.ts';
export { lengthOf } from './cut.ts';
export { type Choices, type Edit, ROOM } from './edit.ts';
export {
  type ComparisonFacts,
  type EditorialCheck,
  editorialChecks,
  type LinkFact,
  linksOf,
  WEEKS_APART,
} from './editorial.ts';
export { contentHash } from './hash.ts';
export {
  allowedEvents,
  type EventName,
  INITIAL,
  type IssueState,
  isTerminal,
  type LifecycleEvent,
  Refusal,
  type Resumable,
  STATUSES,
  type Status,
  sourcesOf,
  transition,
} from './lifecycle.ts';
export { type Candidate, interest, interestParts } from './rank.ts';
export {
  type DueSlot,
  draftAt,
  dueLabel,
  dueSlot,
  lateness,
  nextSlot,
  parseDuration,
  parseSchedule,
  type Schedule,
  type Slot,
  slotAtOrBefore,
  slotsBetween,
  slotsToDraft,
} from './slot.ts';
export {
  type ChangeOptions,
  changeIssue,
  findCandidates,
  findChoices,
  findIssue,
  type Issue,
  issueChanged,
  type LeftOut,
  lastEdit,
  leftOutOf,
  listIssues,
  type RecordChange,
  refreshNewsletter,
  requireIssue,
} from './store.ts';
export { hiddenAmong } from './take-down/store.ts';
export {
  type AffectedIssue,
  type HideRequest,
  hideComparison,
  showComparison,
  type TakenDown,
  takenDownInWords,
} from './take-down/take-down.ts';
export { type Assignment, slimmer, type Variant, type Variants, variantFor, variantsOf } from './variants.ts';
export { composeIssue, type EditRequest, editIssue, isOpen, type WeekSettings } from './week.ts';
