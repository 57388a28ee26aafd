import { missingOfSources } from '../comparisons/gone/gone-store.ts';
import { listReprints } from '../comparisons/reprints/reprint-store.ts';
import { listSetAside } from '../comparisons/votes/vote-store.ts';
import { findIssue, type Issue, listIssues } from '../issues/issue-store.ts';
import { dueLabel, SCHEDULE_INTERVAL_MS } from '../issues/slot.ts';
import { describeGone, goneIn } from '../issues/take-down/gone.ts';
import { describeFault, isWorthTelling } from '../notices/fault-log.ts';
import { faultsOf } from '../notices/fault-store.ts';
import type { NoticeKind } from '../notices/notice-kinds.ts';
import type { Notice } from '../notices/notice-store.ts';
import { installedAt } from '../platform/db/database.ts';
import { describeClock } from '../platform/db/database-time.ts';
import { wrongClocks } from '../platform/db/wrong-clock-store.ts';
import { FAULT_KINDS, type FaultKind } from '../platform/faults.ts';
import { describeNeighbour, whatToDoAbout } from '../platform/queue/neighbours.ts';
import { openCircuit } from '../providers/circuit/circuit-store.ts';
import { issueWithoutEvents } from '../sending/counters/counter-store.ts';
import { describeRestored, WHAT_TO_DO } from '../sending/mark/sending-mark.ts';
import { unsettledBatches } from '../sending/settlements/settlement-store.ts';
import { formatSource } from '../sources/gather.ts';
import { sourceHealth } from '../sources/source-store.ts';
import { postponedDomains } from '../transactional/requests/request-store.ts';
import { failingDuties, NOTIFY_AFTER } from './duty-store.ts';
import { describeFailedJob } from './failed-jobs.ts';
import { isHeldByLinks } from './follow-issue-links.ts';
import type { WeekContext } from './week-context.ts';

/** What is wrong now. */
export interface Problem {
  subject: string;
  message: string;
  /** Default: when it is first found. */
  since?: Date | null;
}

export interface NoticeRule {
  /**
   * Returns every problem of this kind that exists now: one that is new gets a notice, and a notice whose problem is
   * not among them is over. Where the cause itself writes the notice, it returns the `open` ones that are still true.
   */
  find(app: WeekContext, open: readonly Notice[]): Promise<readonly Problem[]>;
  /** How a notice ended, for its recovery note; null: nobody is told. Default: the usual words of its kind. */
  ended?(app: WeekContext, notice: Notice): Promise<string | null | undefined>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** After this time without an answer of the provider, people are told. */
export const PROVIDER_AWAY_MS = HOUR_MS;

/** Longer than preparing an issue takes. */
const PREPARING_MS = HOUR_MS;

/** The rule of each kind of notice: when it begins, and when it is over. */
export const NOTICE_RULES: Readonly<Record<NoticeKind, NoticeRule>> = {
  'database-restored': {
    async find({ mark }) {
      const found = await mark.restored();
      if (found === null) return [];
      return [
        { subject: 'database', message: `${describeRestored(found)} ${WHAT_TO_DO}`, since: found.noticedAt },
      ];
    },
  },
  'issue-late': {
    async find(app) {
      return (await openIssues(app))
        .filter((issue) => isLate(issue, app.clock()))
        .map((issue) => ({
          subject: issue.slug,
          message: `${nameOf(issue)} was due ${dueLabel(issue.dueAt, app.config.schedule.zone)}, and did not go out. ${reasonOf(issue)}`,
          since: issue.dueAt,
        }));
    },
    ended: howIssueEnded,
  },
  'issue-stopped': {
    async find(app) {
      return (await openIssues(app))
        .filter(({ status, resumeTo }) => isStopped(status) && resumeTo === 'sending')
        .map((issue) => ({
          subject: issue.slug,
          message: `${nameOf(issue)} stopped while it was sent. ${issue.reason ?? ''}`,
        }));
    },
    ended: howIssueEnded,
  },
  'checks-failed': {
    async find({ db }, open) {
      const issues = await listIssues(db, { status: ['draft', 'review'] });
      return stillTrue(open, new Set(issues.filter(({ lateAt }) => lateAt === null).map(({ slug }) => slug)));
    },
    async ended({ db }, { subject }) {
      const status = (await findIssue(db, { slug: subject }))?.status;
      if (status === 'cancelled') return 'It was cancelled.';
      return status !== undefined && ['approved', 'preparing', 'sending', 'sent'].includes(status)
        ? 'It is approved.'
        : null;
    },
  },
  'links-broken': {
    async find({ db }) {
      return (await listIssues(db, { status: ['review'] })).filter(isHeldByLinks).map((issue) => ({
        subject: issue.slug,
        message: `${nameOf(issue)} is not approved. ${issue.reason}`,
      }));
    },
  },
  'comparison-gone': {
    async find(app) {
      const problems: Problem[] = [];
      for (const issue of await openIssues(app)) {
        // The notice about its links names what is gone, too.
        if (issue.plan === null || issue.resumeTo === 'sending' || isHeldByLinks(issue)) continue;
        const gone = await goneIn(app.db, issue.plan);
        const message = `${nameOf(issue)} carries what is gone: ${describeGone(gone)}.`;
        if (gone.length > 0) problems.push({ subject: issue.slug, message });
      }
      return problems;
    },
  },
  'provider-away': {
    async find({ db, clock, mailer, config }) {
      const circuit = await openCircuit(db);
      if (circuit?.since == null || clock().getTime() - circuit.since.getTime() < PROVIDER_AWAY_MS) return [];
      const since = dueLabel(circuit.since, config.schedule.zone);
      const message = `${mailer.destination} has given no answer since ${since} (${circuit.reason ?? 'no reason is known'}).`;
      return [{ subject: 'provider', message, since: circuit.since }];
    },
  },
  'duty-failing': {
    async find({ db }, open) {
      const failing = await failingDuties(db);
      const failed = Object.keys(failing).filter((duty) => (failing[duty] ?? 0) >= NOTIFY_AFTER);
      return stillTrue(open, new Set(failed));
    },
  },
  ...(Object.fromEntries(
    FAULT_KINDS.map((kind) => [
      kind,
      {
        find: async ({ db }: WeekContext) =>
          (await faultsOf(db, kind))
            .filter((fault) => isWorthTelling(kind, fault))
            .map(({ reason, since }) => ({ subject: '', message: describeFault(kind, reason), since })),
      },
    ]),
  ) as unknown as Record<FaultKind, NoticeRule>),
  'job-failed': {
    async find(app) {
      const problems: Problem[] = [];
      for (const fault of await faultsOf(app.db, 'job-failed'))
        problems.push({
          subject: fault.subject,
          message: await describeFailedJob(app, fault),
          since: fault.since,
        });
      return problems;
    },
  },
  'clock-wrong': {
    async find({ db }) {
      return (await wrongClocks(db)).map(({ worker, aheadMs }) => ({
        subject: worker,
        message: `The clock of the worker ${worker} is ${describeClock(aheadMs)} the database's, so it takes no scheduled work.`,
      }));
    },
  },
  'redis-shared': {
    async find({ queue }) {
      return (await queue.neighbours()).map((neighbour) => ({
        subject: neighbour.kind,
        message: `${describeNeighbour(neighbour)} ${whatToDoAbout(neighbour)}`,
      }));
    },
  },
  'nothing-sent': {
    async find({ db, clock, config }) {
      // One that is tried again with some readers was sent before.
      const issues = await listIssues(db, { status: ['sent', 'sending', 'paused'], limit: 20 });
      const last = issues.find(({ finishedAt }) => finishedAt !== null);
      const since = last?.dueAt ?? (await installedAt(db));
      if (clock().getTime() - since.getTime() <= SCHEDULE_INTERVAL_MS + DAY_MS) return [];
      const message = `Nothing was sent since ${last === undefined ? 'this installation began' : `issue ${last.number}`}, ${dueLabel(since, config.schedule.zone)}.`;
      return [{ subject: last?.slug ?? 'installation', message, since }];
    },
  },
  'silent-week': {
    async find({ db, clock }, open) {
      if (open.length === 0) return [];
      const now = clock().getTime();
      const [last] = await listIssues(db, { status: ['sent'], limit: 1 });
      const issues = new Map(
        (await listIssues(db, { status: ['skipped'] })).map((issue) => [issue.slot, issue]),
      );
      return open.filter(({ subject, at }) => {
        const issue = issues.get(subject);
        if (issue === undefined || (last !== undefined && last.slot > subject)) return false;
        // One that is found after its slot is shown for a day.
        return now < Math.max(issue.dueAt.getTime(), at.getTime() + DAY_MS);
      });
    },
    async ended({ db }, { subject }) {
      const issue = await findIssue(db, { slot: subject });
      if (issue?.plan == null) return null;
      const count = issue.plan.comparisons.length;
      return `It is composed after all, with ${count === 1 ? 'one comparison' : `${count} comparisons`}.`;
    },
  },
  'batch-uncertain': {
    async find({ db }) {
      return (await unsettledBatches(db))
        .filter(({ overdue }) => overdue)
        .map(({ id, issue, number, claimedAt }) => ({
          subject: id,
          message: `Nobody knows whether batch ${number} of issue ${issue} was accepted; \`verdict settle\` tells what to do.`,
          since: claimedAt,
        }));
    },
  },
  'events-missing': {
    async find({ db, events }) {
      const issue = events === 'taken' ? await issueWithoutEvents(db) : undefined;
      if (issue === undefined) return [];
      const message = `Issue ${issue} is out, and not one event came: bounces and complaints are not seen. Look at the webhook in Resend.`;
      return [{ subject: issue, message }];
    },
  },
  'source-failing': {
    async find({ db, config }, open) {
      const configured = new Set(config.sources.map(formatSource));
      const failing = (await sourceHealth(db)).filter(
        (each) => each.isFailing && configured.has(each.source),
      );
      return stillTrue(open, new Set(failing.map(({ source }) => source)));
    },
    ended: async ({ config }, { subject }) =>
      config.sources.map(formatSource).includes(subject) ? undefined : null,
  },
  'sign-up-flood': {
    async find({ db }, open) {
      if (open.length === 0) return [];
      const waiting = await postponedDomains(db);
      return stillTrue(open, new Set(waiting.length > 0 ? ['*', ...waiting] : []));
    },
  },
  'votes-set-aside': {
    async find({ db }, open) {
      if (open.length === 0) return [];
      return stillTrue(open, new Set((await listSetAside(db)).map(({ tool }) => tool)));
    },
  },
  'comparisons-missing': {
    async find({ db, config }) {
      const configured = new Set(config.sources.map(formatSource));
      const failing = new Set(
        (await sourceHealth(db)).filter(({ failures }) => failures > 0).map(({ source }) => source),
      );
      return (await missingOfSources(db))
        .filter(({ source }) => configured.has(source) && !failing.has(source))
        .map(({ source, missing, of }) => ({
          subject: source,
          message: `${missing} of the ${of} comparisons of ${source} are missing at once.`,
        }));
    },
  },
  reprint: {
    async find({ db }, open) {
      if (open.length === 0) return [];
      return stillTrue(
        open,
        new Set((await listReprints(db, { isOpen: true, limit: 1_000 })).map(({ id }) => id)),
      );
    },
  },
};

function stillTrue(open: readonly Notice[], subjects: ReadonlySet<string>): Notice[] {
  return open.filter(({ subject }) => subjects.has(subject));
}

function openIssues({ db }: WeekContext): Promise<Issue[]> {
  return listIssues(db, { status: ['draft', 'review', 'approved', 'preparing', 'paused', 'failed'] });
}

const isStopped = (status: Issue['status']) => status === 'paused' || status === 'failed';

/** Whether the slot of an open issue has passed without it; one that was just approved goes out by itself. */
function isLate({ status, resumeTo, dueAt, approvedAt }: Issue, now: Date): boolean {
  if (dueAt > now) return false;
  if (status === 'draft' || status === 'review') return true;
  if (isStopped(status)) return resumeTo !== 'sending';
  const begun = Math.max(dueAt.getTime(), approvedAt?.getTime() ?? 0);
  return now.getTime() - begun >= PREPARING_MS;
}

function nameOf({ number, slug }: Issue): string {
  return number === null ? `The issue of ${slug}` : `Issue ${number} (${slug})`;
}

function reasonOf({ status, reason }: Issue): string {
  if (reason !== null) return reason;
  if (status === 'approved' || status === 'preparing')
    return 'It is approved, but a worker could not prepare it: its log has the reason.';
  return 'Nobody has approved it.';
}

async function howIssueEnded({ db }: WeekContext, { subject }: Notice): Promise<string | undefined> {
  const issue = await findIssue(db, { slug: subject });
  if (issue?.status === 'cancelled') return 'It was cancelled.';
  if (issue?.status === 'sent') return 'It was sent.';
  if (issue?.status === 'skipped') return issue.reason ?? undefined;
  return undefined;
}
