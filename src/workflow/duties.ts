import { watchVotes } from '../comparisons/votes/watch-votes.ts';
import { skipSuperseded } from '../issues/compose-issue.ts';
import {
  findCandidates,
  findIssue,
  type Issue,
  lastEdit,
  listIssues,
  requireIssue,
} from '../issues/issue-store.ts';
import { markLate } from '../issues/late-store.ts';
import { draftAt, dueLabel, dueSlot, lateness, type Slot, slotsToDraft } from '../issues/slot.ts';
import { notify, openNotices, resolve } from '../notices/notice-store.ts';
import { installedAt } from '../platform/db/database.ts';
import { isClockRight } from '../platform/db/database-time.ts';
import { AppError } from '../platform/errors.ts';
import { issuesInPreparation } from '../sending/audience/audience-store.ts';
import { closeCancelled } from '../sending/batches/batch-store.ts';
import { hasDueEvents } from '../sending/events/event-store.ts';
import { makeRendering } from '../sending/inspection/inspect-issue.ts';
import { unrenderedDrafts } from '../sending/inspection/inspection-store.ts';
import { reconcileWithProvider } from '../sending/submit.ts';
import { forgetOldSignUps } from '../subscribers/sign-up/sign-up-store.ts';
import { keyId } from '../subscribers/tokens.ts';
import { pendingMails } from '../transactional/transactional-store.ts';
import { answerWaiting } from './answer-mail-requests.ts';
import {
  countDutyFailure,
  forgetDutyFailures,
  forgetOldDuties,
  NOTIFY_AFTER,
  recordReconcile,
} from './duty-store.ts';
import { each } from './each.ts';
import { approveHeld, isHeldByLinks, leaveOutAutomatically } from './follow-issue-links.ts';
import { checkHealth } from './health.ts';
import { mailNotices } from './mail-notices.ts';
import { remindEditors } from './remind-editors.ts';
import { watchForProblems } from './watch-problems.ts';
import {
  approveAutomatically,
  draft,
  enqueueBatches,
  finish,
  gatherAll,
  miss,
  pause,
  sealConsents,
  send,
} from './week.ts';
import type { WeekContext } from './week-context.ts';

/**
 * The recurring duties, each independent of the others. A duty derives unfinished work from rows, so it repairs an
 * emptied queue, a killed worker and a lost response. Doing one late or twice has the same effect as doing it once.
 * To add a duty, name it here.
 */
export const DUTIES = {
  'notice a restored database': async ({ mark }) => {
    await mark.check();
  },
  'draft issues': draftIssues,
  'leave out what is gone': (app) => leaveOutAutomatically(app, (issue) => approveAutomatically(app, issue)),
  'approve issues whose links work by now': (app) =>
    approveHeld(app, (issue) => approveAutomatically(app, issue)),
  'start issues that are due': startIssues,
  'pause issues that missed their slot': pauseMissedIssues,
  'remind editors': remindOfDrafts,
  'go on preparing issues': async ({ db, queue }) => {
    for (const issueId of await issuesInPreparation(db)) await queue.enqueue('prepare', { issueId });
  },
  'settle batches by asking the provider': async ({ db, mailer }) => {
    await reconcileWithProvider(db, mailer);
  },
  'close batches of cancelled issues': ({ db }) => closeCancelled(db),
  'enqueue batches': async (app) => {
    if ((await app.queue.waiting('delivery')) === 0) await enqueueBatches(app);
  },
  'answer requests for mail': answerWaiting,
  'forget old sign-ups': ({ db, clock }) => forgetOldSignUps(db, clock()),
  'seal the consent log': sealConsents,
  'enqueue transactional emails': enqueuePendingMails,
  'enqueue events': async ({ db, queue }) => {
    if (await hasDueEvents(db)) await queue.enqueue('events', {});
  },
  'finish issues': async (app) => {
    await each(await listIssues(app.db, { status: ['sending'] }), ({ id }) => finish(app, id));
  },
  'watch votes': watchVotes,
  'check drafts': checkDrafts,
  'forget duties of other versions': forgetOtherDuties,
  // After all others: what they found is noticed and mailed in the same minute.
  'watch for problems': watchForProblems,
  'mail notices': mailNotices,
} as const satisfies Record<string, Duty>;

export type Duty = (app: WeekContext) => Promise<void>;

/** The duties that depend on the time of the slot. */
const OF_SLOTS: readonly string[] = [
  'draft issues',
  'leave out what is gone',
  'approve issues whose links work by now',
  'start issues that are due',
  'pause issues that missed their slot',
  'remind editors',
] satisfies (keyof typeof DUTIES)[];

/**
 * Does all duties, one after the other, even if some fail. A worker whose clock is wrong leaves those of slots to
 * others.
 * @returns the names of those that failed.
 */
export async function reconcile(
  app: WeekContext,
  duties: Readonly<Record<string, Duty>> = DUTIES,
): Promise<string[]> {
  // While the database does not answer, the duties say so.
  await app.time.measure().catch(() => {});
  const failed: string[] = [];
  for (const [name, duty] of Object.entries(duties)) {
    if (OF_SLOTS.includes(name) && !isClockRight(app.time)) continue;
    if (!(await doDuty(app, name, duty))) failed.push(name);
  }
  return failed;
}

/**
 * Does all duties, records when, and tells a service outside that all is well, but only then: its silence tells people
 * what no mail of ours can.
 */
export async function reconcileAndBeat(app: WeekContext): Promise<void> {
  const failed = await reconcile(app);
  if (!isClockRight(app.time)) return;
  await recordReconcile(app.db, app.clock());
  if (failed.length === 0 && (await checkHealth(app)).status === 'ok') await app.beat();
}

/** Does the duties of slots, and tells people what they found; the others can wait for the next minute. */
export async function doSlotDuties(app: WeekContext): Promise<void> {
  await reconcile(app, withNames([...OF_SLOTS, 'watch for problems', 'mail notices']));
}

/** What a worker does whose clock is wrong. */
export async function doDutiesWithoutSlots(app: WeekContext): Promise<void> {
  await reconcile(app, withNames(Object.keys(DUTIES).filter((name) => !OF_SLOTS.includes(name))));
}

function withNames(names: readonly string[]): Record<string, Duty> {
  return Object.fromEntries(Object.entries(DUTIES).filter(([name]) => names.includes(name)));
}

/**
 * Does one duty and never throws. A failure is logged and counted in the metrics; after {@link NOTIFY_AFTER}
 * failures in a row people are told.
 * @returns whether it succeeded.
 */
async function doDuty(app: WeekContext, name: string, duty: Duty): Promise<boolean> {
  const { db, clock, logger } = app;
  try {
    await duty(app);
    if (await forgetDutyFailures(db, name)) {
      logger.warn({ duty: name }, 'a failing duty has recovered');
      await resolve(db, { kind: 'duty-failing', subject: name, at: clock() });
    }
    return true;
  } catch (error) {
    logger.error({ duty: name, err: error }, 'a duty failed');
    const reason = error instanceof Error ? error.message : String(error);
    try {
      if ((await countDutyFailure(db, name, reason)) < NOTIFY_AFTER) return false;
      const message = `The worker cannot ${name}: it failed ${NOTIFY_AFTER} times in a row (${reason}). Its log says more.`;
      await notify(db, { kind: 'duty-failing', subject: name, message, at: clock() });
    } catch (storeError) {
      logger.error({ duty: name, err: storeError }, 'the failure of a duty could not be stored');
    }
    return false;
  }
}

/**
 * Composes the drafts that should exist by now, and again the skipped ones for which there is news. A slot that was
 * missed by many hours is left to a person.
 */
async function draftIssues(app: WeekContext): Promise<void> {
  const { db, config, clock } = app;
  const now = clock();
  const due = dueSlot(config.schedule, now, { since: await installedAt(db) });
  const slots = slotsToDraft(config.schedule, now, config.reviewLeadMs);
  await each(due === null ? slots : [due.slot, ...slots], async (slot) => {
    const issue = await findIssue(db, { slot: slot.key });
    if (issue !== undefined && !(await canComposeAgain(app, issue, slot))) {
      // A crash, or a person who composed it early, left it to be approved.
      if (config.approval === 'auto' && issue.status === 'review' && (await wasNeverTried(app, issue)))
        await approveAutomatically(app, issue);
      return;
    }
    if (issue === undefined || isTooEarly(app, issue, slot)) {
      try {
        await gatherAll(app);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        // The process that is gathering also drafts this slot afterwards.
        if (error.code === 'gathering-runs') return;
        // An issue can be composed from the comparisons that are already in the database.
        app.logger.error({ reason: error.message }, 'gathering failed');
      }
    }
    const drafted = await draft(app, slot);
    const isMissed = lateness(slot, now) === 'missed';
    if (config.approval === 'auto' && drafted.status === 'review' && !isMissed)
      await approveAutomatically(app, drafted);
    // At once, because the draft of the next slot is composed of what this one does not keep.
    const composed = await requireIssue(db, { id: drafted.id });
    if (slot.dueAt <= now && composed.status === 'review') await miss(app, composed);
  });
}

/** Whether neither a person nor the program has done anything about the approval of an issue that is in time. */
async function wasNeverTried({ db, clock }: WeekContext, issue: Issue): Promise<boolean> {
  if (issue.approvedAt !== null || issue.dueAt <= clock() || isHeldByLinks(issue)) return false;
  if ((await lastEdit(db, issue.id)) !== undefined) return false;
  return (await openNotices(db)).every(
    ({ kind, subject }) => kind !== 'checks-failed' || subject !== issue.slug,
  );
}

/** A slot that was skipped before its draft was due is gathered for and composed again. */
function isTooEarly({ config }: WeekContext, issue: Issue, slot: Slot): boolean {
  return issue.status === 'skipped' && issue.composedAt < draftAt(slot, config.reviewLeadMs);
}

const HOUR_MS = 3_600_000;

/**
 * Whether a skipped slot that is still ahead may have enough comparisons by now: some came since, or something else
 * freed them (then it is tried once an hour).
 */
async function canComposeAgain(app: WeekContext, issue: Issue, slot: Slot): Promise<boolean> {
  const now = app.clock();
  if (issue.status !== 'skipped' || issue.dueAt <= now) return false;
  if (isTooEarly(app, issue, slot)) return true;
  const candidates = await findCandidates(app.db, issue.id);
  if (candidates.length < app.config.minComparisons) return false;
  const isNew = candidates.some(({ firstSeenAt }) => firstSeenAt > issue.composedAt);
  return isNew || now.getTime() - issue.composedAt.getTime() > HOUR_MS;
}

/** Sends approved issues that are due by the database's time. */
async function startIssues(app: WeekContext): Promise<void> {
  if ((await app.mark.check()) !== null) return;
  const now = await app.time.read();
  await each(await listIssues(app.db, { status: ['approved'], dueBy: now }), async (issue) => {
    const decidedLate = issue.approvedAt !== null && issue.approvedAt > issue.dueAt;
    if (lateness(issue, now) === 'due' || decidedLate) await sendUnlessGone(app, issue);
    else await miss(app, issue);
  });
}

/** Sends an issue; one that carries what is gone is paused, and an editor leaves it out. */
async function sendUnlessGone(app: WeekContext, issue: Issue): Promise<void> {
  try {
    await send(app, issue);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'comparison-gone') throw error;
    await pause(app, issue.id, `${error.message} ${error.help}`);
  }
}

/**
 * Pauses the issues whose slot passed before anybody approved them, and closes those whose comparisons a later issue
 * was sent with. Each is paused once: a person who lets it go on decides when it goes out.
 */
async function pauseMissedIssues(app: WeekContext): Promise<void> {
  const { db, clock, logger } = app;
  const now = clock();
  const open = await listIssues(db, { status: ['draft', 'review', 'paused', 'failed'] });
  await each(open, async (issue) => {
    if (issue.dueAt > now || issue.lateAt !== null) return;
    if (issue.status === 'draft' || issue.status === 'review') await miss(app, issue);
    else await markLate(db, issue.id);
  });
  for (const { slug, reason } of await skipSuperseded(db))
    logger.warn({ issue: slug, reason }, 'a late issue is closed');
}

/** Reminds each editor once of a draft that waits for review. */
async function remindOfDrafts(app: WeekContext): Promise<void> {
  const { config, db, clock } = app;
  await each(await listIssues(db, { status: ['review'] }), async (issue) => {
    const due = dueLabel(issue.dueAt, config.schedule.zone);
    const mailIds = await remindEditors(db, issue, {
      editors: config.editors,
      now: clock(),
      due,
      keyId: keyId(app.keys[0]),
    });
    if (mailIds.length > 0) await app.queue.enqueue('mail', ...mailIds.map((mailId) => ({ mailId })));
  });
}

/** Another version of this program may have had other duties. */
async function forgetOtherDuties({ db }: WeekContext): Promise<void> {
  await forgetOldDuties(db, Object.keys(DUTIES));
}

/** Enqueues every transactional email whose row was committed but whose job was lost in a crash. */
async function enqueuePendingMails({ db, queue }: WeekContext): Promise<void> {
  if ((await queue.waiting('transactional')) > 0) return;
  const mailIds = await pendingMails(db);
  if (mailIds.length > 0) await queue.enqueue('mail', ...mailIds.map((mailId) => ({ mailId })));
}

/** Renders and checks every draft whose current content was not rendered yet, so that the desk need not. */
async function checkDrafts({ db, clock }: WeekContext): Promise<void> {
  await each(await unrenderedDrafts(db), async (id) => {
    await makeRendering(db, await requireIssue(db, { id }), clock());
  });
}
