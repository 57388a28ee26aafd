export {
  countEvents,
  type EventAbout,
  type EventCounts,
  eventsAbout,
  type Figures,
  type IssueLine,
  issueFigures,
  issueOutcomes,
  listIssueLines,
  type Outcomes,
  silentIssue,
  submitRate,
} from './store.ts';
