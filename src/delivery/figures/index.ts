export {
  countEvents,
  type EventCounts,
  type Figures,
  type IssueLine,
  issueFigures,
  listIssueLines,
  silentIssue,
  submitRate,
} from './store.ts';
