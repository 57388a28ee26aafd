export { buildBatch, type Envelope, sendable } from './envelope.ts';
export { approveIssue, type DraftVariant, prepareIssue, renderIssue } from './prepare.ts';
export { finishIssue, issueProgress, type Progress, progressOf, total } from './progress.ts';
export {
  BATCH_SIZE,
  claimableBatches,
  closeCancelled,
  readGeneralVariant,
  uncertainBatches,
  voidLeases,
} from './store.ts';
export { createSubmitter, type SubmitResult, type Submitter, settleByRecall } from './submit.ts';
export { createMailSender, type MailResult, type MailSender } from './transactional.ts';
