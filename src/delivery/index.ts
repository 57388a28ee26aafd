export { BATCH_SIZE, issuesInPreparation } from './audience/store.ts';
export { claimableBatches, closeCancelled, uncertainBatches, voidLeases } from './batches/store.ts';
export { type CircuitState, circuitState, openCircuit } from './circuit/store.ts';
export { buildBatch, type Envelope, sendable } from './envelope.ts';
export {
  type Applied,
  applyEvents,
  forgetEvents,
  hasDueEvents,
  type ProviderEvent,
  storeEvents,
  suppressSoftBouncers,
} from './events/index.ts';
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
} from './figures/index.ts';
export {
  type Area,
  checkLinks,
  type Drawn,
  drawIssue,
  type Inspection,
  inspectIssue,
  overrideCheck,
  type PanelCheck,
  panelOf,
  REASON_FROM,
  stops,
} from './inspection/index.ts';
export { approveIssue, type DraftVariant, freezeRest, prepareIssue, renderIssue } from './prepare.ts';
export {
  type Forecast,
  forecastIssue,
  impersonal,
  type Preview,
  type PreviewRequest,
  previewIssue,
  queueTest,
  type TestRequest,
} from './preview/index.ts';
export { finishIssue, issueProgress, type Progress, progressOf, total } from './progress.ts';
export { type Settled, settleBatch, type UnsettledBatch, unsettledBatches } from './settlements/index.ts';
export { isUnderWay, readGeneralVariant } from './store.ts';
export { createSubmitter, type SubmitResult, type Submitter, settleByRecall } from './submit.ts';
export { createMailSender, type MailResult, type MailSender } from './transactional.ts';
