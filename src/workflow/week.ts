import { type Saved, saveComparisons } from '../comparisons/comparison-store.ts';
import { composeIssue, isOpen, type WeekSettings } from '../issues/compose-issue.ts';
import {
  changeIssue,
  findIssue,
  type Issue,
  type RecordChange,
  refreshNewsletter,
} from '../issues/issue-store.ts';
import { dueSlot, nextSlot, type Slot } from '../issues/slot.ts';
import { notify, resolve } from '../notices/notice-store.ts';
import { installedAt } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { claimableBatches, closeCancelled } from '../sending/batches/batch-store.ts';
import { isUnderWay } from '../sending/delivery-store.ts';
import { applyEvents } from '../sending/events/apply-events.ts';
import { forgetEvents, suppressSoftBouncers } from '../sending/events/event-store.ts';
import { approveIssue, freezeRest, prepareIssue } from '../sending/prepare-issue.ts';
import { finishIssue } from '../sending/progress.ts';
import { gather, userAgent } from '../sources/gather.ts';
import type { Gathered, SourceReport } from '../sources/gathered.ts';
import {
  GATHER_LEASE_MINUTES,
  type HealthChanges,
  loadKnown,
  recordGather,
  releaseGatherLock,
  takeGatherLock,
} from '../sources/source-store.ts';
import { sealConsentLog } from '../subscribers/consent-log/consent-log-store.ts';
import { keyId } from '../subscribers/tokens.ts';
import type { WeekContext } from './week-context.ts';

/**
 * The steps of a week, each in one function, for all who take them: the commands, the jobs and the
 * pages. Every step may be taken again at any time, by anybody, with no other effect: the rows decide
 * what is left to do, the queue only says that somebody should look.
 */

export type GatherReport = Saved & Gathered & { sources: SourceReport[]; news: HealthChanges };

/**
 * Reads every source and saves what is new or changed. Editors are told of a source that keeps failing, once,
 * and of its recovery.
 * @throws AppError of the first source, when not one of them could be read; it is in the database all the same.
 * `gathering-runs` while another process gathers: a site is asked by one of us at a time.
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
  const web = {
    userAgent: userAgent(config.publicUrl),
    ...(config.allowPrivateSources ? { mayReach: () => true } : {}),
  };
  const gathered = await gather(config.sources, { known: await loadKnown(db), web, now: at });
  const saved = await saveComparisons(db, gathered.comparisons);
  const held = gathered.sources.reduce((sum, { unchanged }) => sum + unchanged, 0);
  const unchanged = saved.unchanged + held;
  const rejected = [...gathered.rejected, ...saved.refused.map(({ url, reason }) => ({ name: url, reason }))];
  const news = await recordGather(db, { ...gathered, ...saved, unchanged, rejected, at });

  for (const { source, reason } of news.failing)
    logger.error({ source, reason }, 'a source is failing: nothing came from it three times in a row');
  for (const source of news.recovered) logger.warn({ source }, 'a failing source has recovered');
  for (const { source, fault, postponed } of gathered.sources) {
    if (fault !== null) logger.warn({ source, reason: fault.message }, 'a source gave nothing');
    if (postponed > 0) logger.warn({ source, postponed }, 'pages are left to the next gathering');
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
    news,
  };
}

/** The slot of the next issue: one that is due and has none, or the next that is still open. */
export async function slotToCompose({ db, config, clock }: WeekContext): Promise<Slot> {
  const now = clock();
  const due = dueSlot(config.schedule, now, { since: await installedAt(db) });
  if (due?.kind === 'due' && (await findIssue(db, { slot: due.slot.key })) === undefined) return due.slot;
  for (let slot = nextSlot(config.schedule, now); ; slot = nextSlot(config.schedule, slot.dueAt)) {
    const issue = await findIssue(db, { slot: slot.key });
    if (issue === undefined || isOpen(issue, now)) return slot;
  }
}

/** Composes the issue of a slot and hands it to the editors; too little for one, and the slot is skipped. */
export async function draft(app: WeekContext, slot: Slot, record?: RecordChange): Promise<Issue> {
  const issue = await composeIssue(app.db, slot, weekSettings(app), app.clock(), record);
  const matter = { kind: 'silent-week' as const, subject: slot.key, at: app.clock() };
  if (issue.status === 'skipped') {
    const message = `Nothing goes out on ${slot.label}: ${issue.reason ?? 'too little is new.'}`;
    if (await notify(app.db, { ...matter, message }))
      app.logger.warn({ slot: slot.key, reason: issue.reason }, 'a silent week');
  } else await resolve(app.db, matter);
  if (issue.status !== 'draft') {
    app.logger.info({ issue: issue.slug, status: issue.status, reason: issue.reason }, 'composed');
    return issue;
  }
  const { issue: inReview } = await changeIssue(app.db, issue.id, { type: 'submit_for_review' });
  app.logger.info({ issue: issue.slug, status: inReview.status }, 'composed');
  return inReview;
}

/** What composing takes from the settings, whoever asks for it. */
export function weekSettings(app: WeekContext): WeekSettings {
  const { template, minComparisons } = app.config;
  return { newsletter: newsletterOf(app), template, minComparisons };
}

function newsletterOf({ config }: WeekContext) {
  return { name: config.newsletterName, url: config.publicUrl, postalAddress: config.mail.postalAddress };
}

/**
 * Approves an issue as it was given. It goes out at its slot, or at once if that has passed: then a person has
 * decided.
 * @throws AppError `postal-address-missing`, `checks-failed`, `issue-refuses`, `issue-empty`, `issue-changed`.
 */
export async function approve(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  if (app.config.mail.postalAddress === '') {
    throw new AppError('postal-address-missing', 'No issue can be approved without a postal address.', {
      help: 'Set POSTAL_ADDRESS to the address that every issue must print.',
    });
  }
  const current = await refreshNewsletter(app.db, issue, newsletterOf(app));
  const approved = await approveIssue(app.db, current.id, {
    planHash: current.planHash,
    now: app.clock(),
    record,
  });
  if (approved.status === 'approved' && approved.dueAt <= app.clock()) return send(app, approved);
  return approved;
}

/**
 * Starts an approved issue now, or goes on with an interrupted one where it stopped.
 * @throws AppError `issue-refuses` when it is not approved.
 */
export async function send(app: WeekContext, { id, status }: Issue, record?: RecordChange): Promise<Issue> {
  const isInterrupted = status === 'paused' || status === 'failed';
  const started = await app.db.transaction().execute(async (tx) => {
    const resumed = isInterrupted && (await changeIssue(tx, id, { type: 'resume' })).changed;
    const { issue, changed } = await changeIssue(tx, id, { type: 'prepare' });
    if (resumed || changed) await record?.(tx, issue);
    return issue;
  });
  await app.queue.enqueue('prepare', { issueId: id });
  return started;
}

/** Freezes content and audience, and enqueues every batch; those of the first page go out while the rest is frozen. */
export async function prepare(app: WeekContext, issueId: string): Promise<void> {
  const { config } = app;
  const hopeless = await suppressSoftBouncers(app.db);
  if (hopeless > 0)
    app.logger.info({ readers: hopeless }, 'three issues in a row did not arrive: off the list');
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

/** Ends an issue in which nothing is left to do. Asked after every batch, so the look at an index comes first. */
export async function finish(app: WeekContext, issueId: string): Promise<void> {
  if (await isUnderWay(app.db, issueId)) return;
  const issue = await findIssue(app.db, { id: issueId });
  if (issue?.status === 'sending' && (await finishIssue(app.db, issueId))) {
    app.logger.info({ issue: issue.slug }, 'sent');
  }
}

/** Stops an issue with the reason that an editor reads. */
export async function pause(
  app: WeekContext,
  issueId: string,
  reason: string,
  record?: RecordChange,
): Promise<void> {
  const { issue, changed } = await changeIssue(app.db, issueId, { type: 'pause', reason }, { record });
  if (changed) app.logger.error({ issue: issue.slug, reason }, 'paused');
}

/**
 * Ends an issue for good: nothing of it is submitted any more, and who has not got it is excluded. What
 * is at the provider at this moment is still recorded.
 * @throws AppError `issue-refuses` when it was sent or skipped.
 */
export async function cancel(app: WeekContext, issue: Issue, record?: RecordChange): Promise<Issue> {
  const { issue: cancelled } = await changeIssue(app.db, issue.id, { type: 'cancel' }, { record });
  await closeCancelled(app.db, issue.id);
  return cancelled;
}

/** One job for every batch that a worker could take now. */
export async function enqueueBatches(app: WeekContext, issueId?: string): Promise<void> {
  await enqueueSubmits(app, await claimableBatches(app.db, issueId));
}

async function enqueueSubmits(app: WeekContext, batchIds: string[]): Promise<void> {
  if (batchIds.length > 0) await app.queue.enqueue('submit', ...batchIds.map((batchId) => ({ batchId })));
}

/**
 * Seals what the consent log has gained. The hash goes into the log of the program, where nobody reaches it who can
 * write to the database.
 */
export async function sealConsents({ db, logger }: Pick<WeekContext, 'db' | 'logger'>): Promise<void> {
  for (const { number, hash } of await sealConsentLog(db))
    logger.info({ seal: number, hash }, 'the consent log is sealed');
}

/** Applies what the provider told us, and ends the issues that only waited for it. */
export async function takeEvents(app: WeekContext): Promise<void> {
  const { settled, ...counts } = await applyEvents(app.db);
  if (counts.applied + counts.unmatched > 0) app.logger.info(counts, 'events applied');
  for (const { id } of settled) app.logger.warn({ batch: id }, 'an event settled a batch: it was accepted');
  for (const issueId of new Set(settled.map((each) => each.issueId))) await finish(app, issueId);
  await forgetEvents(app.db);
}

/** After a batch was settled: it may be the last of its issue, or waits for a worker again. */
export async function afterSettling(app: WeekContext, issueId: string): Promise<void> {
  await enqueueBatches(app, issueId);
  await finish(app, issueId);
}

/** `APPROVAL=auto`: what fails its checks stays in review, where a person finds it. */
export async function approveAutomatically(app: WeekContext, issue: Issue): Promise<void> {
  try {
    await approve(app, issue);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    app.logger.error({ issue: issue.slug, reason: error.message }, 'not approved');
  }
}
