import { type Saved, saveComparisons } from '../comparisons/comparison-store.ts';
import { composeIssue, composeUntaken, isOpen, type WeekSettings } from '../issues/compose-issue.ts';
import {
  changeIssue,
  findIssue,
  type Issue,
  type RecordChange,
  refreshNewsletter,
  requireIssue,
  setReviewReason,
} from '../issues/issue-store.ts';
import { markLate } from '../issues/late-store.ts';
import { dueLabel, dueSlot, lateness, MISSED_AFTER_HOURS, nextSlot, type Slot } from '../issues/slot.ts';
import { oneLine } from '../issues/truncate.ts';
import { notify, openNotices } from '../notices/notice-store.ts';
import { type Connection, installedAt } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { claimableBatches, closeCancelled } from '../sending/batches/batch-store.ts';
import { isUnderWay } from '../sending/delivery-store.ts';
import { applyEvents } from '../sending/events/apply-events.ts';
import { suppressSoftBouncers } from '../sending/events/event-store.ts';
import { approveIssue, freezeRest, prepareIssue } from '../sending/prepare-issue.ts';
import { finishIssue } from '../sending/progress.ts';
import { reopenRefused } from '../sending/refusals/refusal-store.ts';
import { retryFailed } from '../sending/retries/retry.ts';
import { renewSender, type SenderChange } from '../sending/sender-store.ts';
import { gather } from '../sources/gather.ts';
import type { Gathered, SourceReport } from '../sources/gathered.ts';
import {
  GATHER_LEASE_MINUTES,
  type GatherChanges,
  loadKnown,
  recordGather,
  releaseGatherLock,
  takeGatherLock,
} from '../sources/source-store.ts';
import { sealConsentLog } from '../subscribers/consent-log/consent-log-store.ts';
import { keyId } from '../subscribers/tokens.ts';
import {
  assertLinks,
  isHeldByLinks,
  logPresence,
  refuseGone,
  requestGonePages,
  webOptionsOf,
} from './follow-issue-links.ts';
import type { WeekContext } from './week-context.ts';

/**
 * The steps of a week, one function each, shared by commands, jobs and pages. Every step is idempotent and may be
 * repeated at any time: the rows decide what is left to do, the queue only wakes a worker.
 */

export type GatherReport = Saved & Gathered & { sources: SourceReport[]; changes: GatherChanges };

/**
 * Reads every source and saves new and changed comparisons. Editors are notified once of a source that keeps
 * failing, and of its recovery.
 * @throws AppError of the first source, when no source could be read (the faults are stored all the same);
 * `gathering-runs` while another process gathers: only one process asks a site at a time.
 */
export async function gatherAll(app: WeekContext): Promise<GatherReport> {
  const holder = await takeGatherLock(app.db);
  if (holder === null) {
    throw new AppError('gathering-runs', 'Another process is gathering right now.', {
      help: `Try again when it is done; one that died is passed over after ${GATHER_LEASE_MINUTES} minutes.`,
    });
  }
  try {
    return await gatherAlone(app);
  } finally {
    await releaseGatherLock(app.db, holder);
  }
}

async function gatherAlone(app: WeekContext): Promise<GatherReport> {
  const { config, db, logger } = app;
  const at = app.clock();
  const gathered = await gather(config.sources, {
    known: await loadKnown(db),
    web: webOptionsOf(app),
    now: at,
  });
  const saved = await saveComparisons(db, gathered.comparisons);
  const held = gathered.sources.reduce((sum, { unchanged }) => sum + unchanged, 0);
  const unchanged = saved.unchanged + held;
  const rejected = [...gathered.rejected, ...saved.refused.map(({ url, reason }) => ({ name: url, reason }))];
  const changes = await recordGather(db, { ...gathered, ...saved, unchanged, rejected, at });

  logPresence(app, changes);
  await requestGonePages(app);

  for (const { source, reason } of changes.failing)
    logger.error({ source, reason }, 'a source is failing: it gave nothing three times in a row');
  for (const source of changes.recovered) logger.warn({ source }, 'a failing source has recovered');
  for (const { source, fault, postponed } of gathered.sources) {
    if (fault !== null) logger.warn({ source, reason: fault.message }, 'a source gave nothing');
    if (postponed > 0) logger.warn({ source, postponed }, 'pages were postponed to the next gathering');
  }
  for (const { name, reason } of rejected) logger.warn({ name, reason }, 'a comparison was skipped');

  const faults = gathered.sources.map(({ fault }) => fault);
  if (faults[0] && faults.every((fault) => fault !== null)) throw faults[0];
  return {
    ...saved,
    unchanged,
    comparisons: gathered.comparisons,
    sources: gathered.sources,
    rejected,
    changes,
  };
}

/** Returns the slot of the next issue: a due slot without an issue, or else the next open slot. */
export async function slotToCompose({ db, config, clock }: WeekContext): Promise<Slot> {
  const now = clock();
  const due = dueSlot(config.schedule, now, { since: await installedAt(db) });
  if (due?.kind === 'due' && (await findIssue(db, { slot: due.slot.key })) === undefined) return due.slot;
  for (let slot = nextSlot(config.schedule, now); ; slot = nextSlot(config.schedule, slot.dueAt)) {
    const issue = await findIssue(db, { slot: slot.key });
    if (issue === undefined || isOpen(issue, now)) return slot;
  }
}

/** Composes the issue of a slot and submits it for review; with too few comparisons the slot is skipped. */
export async function draft(app: WeekContext, slot: Slot, record?: RecordChange): Promise<Issue> {
  const issue = await composeIssue(app.db, slot, weekSettings(app), app.clock(), record);
  if (issue.status === 'skipped') {
    const matter = { kind: 'silent-week' as const, subject: slot.key, at: app.clock() };
    const message = `Nothing goes out on ${slot.label}: ${issue.reason ?? 'too little is new.'}`;
    if (await notify(app.db, { ...matter, message }))
      app.logger.warn(
        { slot: slot.key, reason: issue.reason },
        'the slot was skipped: too few new comparisons',
      );
  }
  if (issue.status !== 'draft') {
    app.logger.info({ issue: issue.slug, status: issue.status, reason: issue.reason }, 'composed');
    return issue;
  }
  const { issue: inReview } = await changeIssue(app.db, issue.id, { type: 'submit_for_review' });
  if (slot.dueAt <= app.clock()) await markLate(app.db, issue.id);
  app.logger.info({ issue: issue.slug, status: inReview.status }, 'composed');
  return requireIssue(app.db, { id: issue.id });
}

/** The settings that composing needs. */
export function weekSettings(app: WeekContext): WeekSettings {
  const { template, minComparisons, cards } = app.config;
  return { newsletter: newsletterOf(app), template, minComparisons, cards };
}

function newsletterOf({ config }: WeekContext) {
  return { name: config.newsletterName, url: config.publicUrl, postalAddress: config.mail.postalAddress };
}

/**
 * Approves the given version of an issue. It is sent at its slot, or at once if the slot has passed: then a person
 * has decided.
 * @throws AppError `postal-address-missing`, `checks-failed`, `issue-refuses`, `issue-empty`, `issue-changed`;
 *   `contents-taken` when it is late, and another issue carries some of its comparisons by now.
 */
export async function approve(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  if (app.config.mail.postalAddress === '') {
    throw new AppError('postal-address-missing', 'No issue can be approved without a postal address.', {
      help: 'Set POSTAL_ADDRESS to the address that every issue must print.',
    });
  }
  // An issue that missed its slot before anybody approved it.
  if (issue.status === 'paused' && issue.resumeTo === 'review')
    await changeIssue(app.db, issue.id, { type: 'resume' }, { planHash: issue.planHash });
  const current = await refreshNewsletter(app.db, issue, newsletterOf(app));
  const approved = await claimContents(app, issue, () =>
    approveIssue(app.db, current.id, { planHash: current.planHash, now: app.clock(), record }),
  );
  if (approved.status === 'approved' && approved.dueAt <= (await app.time.read())) return send(app, approved);
  return approved;
}

/**
 * Starts an approved issue now, or continues an interrupted one.
 * @throws AppError `issue-refuses` when it is not approved; `contents-taken` as for {@link approve};
 *   `comparison-gone` when it carries what is no longer on its site.
 */
export async function send(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  await app.mark.assertPresent();
  await refuseGone(app, issue);
  const { id, status } = issue;
  const isInterrupted = status === 'paused' || status === 'failed';
  const started = await claimContents(app, issue, () =>
    app.db.transaction().execute(async (tx) => {
      const sender = isInterrupted ? await takeSender(app, tx, issue) : null;
      const resumed = isInterrupted && (await changeIssue(tx, id, { type: 'resume' })).changed;
      const { issue: prepared, changed } = await changeIssue(tx, id, { type: 'prepare' });
      if (resumed || changed) await record?.(tx, prepared, sender);
      return prepared;
    }),
  );
  // What was refused while it stopped was refused for the reason that stopped it.
  await reopenRefused(app.db, id);
  await app.queue.enqueue('prepare', { issueId: id });
  return started;
}

/**
 * Continues an interrupted issue where it was: one that nobody had approved is in review again, and one that waits
 * for its slot still waits.
 * @throws AppError `issue-refuses`; `contents-taken` as for {@link approve}.
 */
export async function resume(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  await app.mark.assertPresent();
  const { issue: resumed } = await claimContents(app, issue, () =>
    app.db.transaction().execute(async (tx) => {
      const sender = await takeSender(app, tx, issue);
      return changeIssue(
        tx,
        issue.id,
        { type: 'resume' },
        { record: record && ((each, changed) => record(each, changed, sender)) },
      );
    }),
  );
  const waits =
    resumed.status === 'review' || (resumed.status === 'approved' && resumed.dueAt > (await app.time.read()));
  return waits ? resumed : send(app, resumed);
}

/**
 * Mails an issue to the readers whom the provider refused for one reason; see {@link retryFailed}. Nobody who left, or
 * who has the issue, is mailed.
 */
export async function retry(
  app: WeekContext,
  issue: Issue,
  reason: string,
  options: { expected?: number | undefined; record?: RecordChange | undefined } = {},
): Promise<{ issue: Issue; readers: number }> {
  await app.mark.assertPresent();
  const retried = await retryFailed(app.db, issue.id, reason, options);
  await enqueueBatches(app, issue.id);
  return retried;
}

/** What is not begun of an interrupted issue goes out from the sender of the settings, who may have been mended. */
async function takeSender(
  app: WeekContext,
  tx: Connection,
  { id, slug }: Issue,
): Promise<SenderChange | null> {
  const change = await renewSender(tx, id, app.config.mail);
  if (change === null) return null;
  if (change.inDoubt === 0) app.logger.warn({ issue: slug }, 'the rest of the issue has another sender');
  else
    app.logger.warn(
      { issue: slug, batches: change.inDoubt },
      'the issue has its sender until its batches without an answer are settled',
    );
  return change;
}

/**
 * Does what sends a late issue. When another issue carries some of its comparisons by now, it is composed again
 * without them, and a person looks at it first.
 */
export async function claimContents<Result>(
  app: WeekContext,
  { id }: Issue,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AppError && error.code === 'contents-taken') return composeUntaken(app.db, id);
    throw error;
  }
}

/**
 * Freezes content and audience, and enqueues every batch; the batches of the first page are sent while the rest is
 * frozen.
 */
export async function prepare(app: WeekContext, issueId: string): Promise<void> {
  const { config } = app;
  if ((await app.mark.check()) !== null) return;
  const suppressed = await suppressSoftBouncers(app.db);
  if (suppressed > 0)
    app.logger.info({ readers: suppressed }, 'readers were suppressed: three issues in a row bounced');
  await prepareIssue(app.db, issueId, {
    from: config.mail.from,
    replyTo: config.mail.replyTo,
    newsletterName: config.newsletterName,
    publicUrl: config.publicUrl,
    keyId: keyId(app.keys[0]),
  });
  await enqueueBatches(app, issueId);
  for await (const batchIds of freezeRest(app.db, issueId)) await enqueueSubmits(app, batchIds);
  await finish(app, issueId);
}

/** Finishes an issue that has no work left. Called after every batch, so it checks an index first. */
export async function finish(app: WeekContext, issueId: string): Promise<void> {
  if (await isUnderWay(app.db, issueId)) return;
  const issue = await findIssue(app.db, { id: issueId });
  if (issue?.status === 'sending' && (await finishIssue(app.db, issueId))) {
    // What a backup that was made in the last second does not know.
    await app.mark.advance({ issueId });
    app.logger.info({ issue: issue.slug }, 'sent');
  }
}

/** Pauses an issue with the reason that an editor reads. */
export async function pause(
  app: WeekContext,
  issueId: string,
  reason: string,
  record?: RecordChange,
): Promise<void> {
  const { issue, changed } = await changeIssue(app.db, issueId, { type: 'pause', reason }, { record });
  if (changed) app.logger.error({ issue: issue.slug, reason }, 'paused');
}

/** Pauses an issue whose slot has passed without it, with the reason that people read. */
export async function miss(app: WeekContext, issue: Issue): Promise<void> {
  const { db, config, clock } = app;
  const due = dueLabel(issue.dueAt, config.schedule.zone);
  const failed = (await openNotices(db)).find(
    ({ kind, subject }) => (kind === 'checks-failed' || kind === 'links-broken') && subject === issue.slug,
  );
  const reason = [
    issue.status === 'approved'
      ? 'It was approved, but nothing ran at its slot.'
      : failed !== undefined
        ? `It failed its checks, and nobody approved it. ${failed.message}`
        : isHeldByLinks(issue)
          ? `Nobody approved it. ${issue.reason}`
          : issue.lateAt !== null
            ? 'It was composed after its slot, because nothing ran before, and nobody has approved it.'
            : 'Nobody approved it before its slot.',
    ...(lateness(issue, clock()) === 'missed'
      ? [`Its slot was missed by more than ${MISSED_AFTER_HOURS} hours; send it if it should still go out.`]
      : []),
  ].join(' ');
  const { issue: paused, changed } = await changeIssue(db, issue.id, { type: 'miss', reason });
  if (changed) app.logger.error({ issue: paused.slug, due, reason }, 'an issue missed its slot');
}

/**
 * Cancels an issue for good: nothing more of it is submitted, and open deliveries are excluded. The response to a
 * request that is in progress is still recorded.
 * @throws AppError `issue-refuses` when it was sent or skipped.
 */
export async function cancel(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  const { issue: cancelled } = await changeIssue(app.db, issue.id, { type: 'cancel' }, { record });
  await closeCancelled(app.db, issue.id);
  return cancelled;
}

/** Enqueues every batch that a worker could claim now. */
export async function enqueueBatches(app: WeekContext, issueId?: string): Promise<void> {
  await enqueueSubmits(app, await claimableBatches(app.db, issueId));
}

async function enqueueSubmits(app: WeekContext, batchIds: string[]): Promise<void> {
  if (batchIds.length > 0) await app.queue.enqueue('submit', ...batchIds.map((batchId) => ({ batchId })));
}

/**
 * Seals the new entries of the consent log. The hash is written to the program's log, which a person with access to
 * the database only cannot change.
 */
export async function sealConsents({ db, logger }: Pick<WeekContext, 'db' | 'logger'>): Promise<void> {
  for (const { number, hash } of await sealConsentLog(db))
    logger.info({ seal: number, hash }, 'the consent log is sealed');
}

/** Applies the provider's events, and finishes the issues that were waiting for them. */
export async function takeEvents(app: WeekContext): Promise<void> {
  const { settled, ...counts } = await applyEvents(app.db);
  if (counts.applied + counts.unmatched > 0) app.logger.info(counts, 'events applied');
  for (const { id } of settled) app.logger.warn({ batch: id }, 'an event settled a batch: it was accepted');
  for (const issueId of new Set(settled.map((each) => each.issueId))) await finish(app, issueId);
}

/** Called after a batch was settled: the issue may be finished now, or the batch may have to be submitted again. */
export async function afterSettling(app: WeekContext, issueId: string): Promise<void> {
  await enqueueBatches(app, issueId);
  await finish(app, issueId);
}

/** The most characters of what failed, in a notice: an issue may fail a hundred checks. */
const LONGEST_REASON = 600;

/**
 * For `APPROVAL=auto`: an issue that fails its checks, or whose links do not all lead somewhere, stays in review for a
 * person, with the reason.
 */
export async function approveAutomatically(app: WeekContext, issue: Issue): Promise<void> {
  try {
    await assertLinks(app, issue);
    await approve(app, issue);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'links-broken') {
      if (issue.reason !== error.message)
        app.logger.error(
          { issue: issue.slug, reason: error.message },
          'not approved: its links are not in order',
        );
      return setReviewReason(app.db, issue.id, error.message);
    }
    app.logger.error({ issue: issue.slug, reason: error.message }, 'not approved');
    const message = oneLine(error.message).slice(0, LONGEST_REASON);
    await notify(app.db, { kind: 'checks-failed', subject: issue.slug, message, at: app.clock() });
  }
}
