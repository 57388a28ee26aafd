export { countEvents, type EventCounts, type Figures, issueFigures, silentIssue } from './store.ts';
