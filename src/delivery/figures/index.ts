export {
  countEvents,
  type EventAbout,
  type EventCounts,
  eventsAbout,
  type Figures,
  type IssueLine,
  issueFigures,
  listIssueLines,
  silentIssue,
  submitRate,
} from './store.ts';
