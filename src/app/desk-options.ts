import type { DeskActions, DeskOptions } from '../desk/desk-context.ts';
import { editIssue } from '../issues/compose-issue.ts';
import { changeIssue, type Issue, requireIssue } from '../issues/issue-store.ts';
import { parseMoment } from '../issues/slot.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import { leaveOutGone } from '../issues/take-down/gone.ts';
import { hideComparison, showComparison } from '../issues/take-down/take-down.ts';
import { AppError } from '../platform/errors.ts';
import { followIssueLinks } from '../workflow/follow-issue-links.ts';
import { moveIssue } from '../workflow/move-issue.ts';
import {
  afterSettling,
  approve,
  approveAutomatically,
  cancel,
  draft,
  pause,
  resume,
  retry,
  send,
  slotToCompose,
  weekSettings,
} from '../workflow/week.ts';
import type { App } from './app.ts';
import { dnsRecords, examineDns, examineSettings, type Finding } from './doctor.ts';

/** The options of the desk; undefined when there are no editors. */
export function deskOf(app: App): DeskOptions | undefined {
  const { editors, passkeys, schedule, mail } = app.config;
  if (editors.length === 0) return undefined;
  return {
    editors,
    passkeys,
    zone: schedule.zone,
    sender: mail.from,
    // Nothing of a gathering is stored, so its failure is said.
    actions: { ...deskActions(withPatientQueue(app)), gather: () => app.queue.enqueue('gather', {}) },
    queues: { bare: app.queue.raw, knowWorkers: app.database.backend !== 'embedded' },
    checksWaitMs: 1_500,
    setUp: setUpOf(app),
  };
}

/** An action that is stored was done: `reconcile` enqueues what a queue that is away could not take. */
function withPatientQueue(app: App): App {
  return {
    ...app,
    queue: {
      ...app.queue,
      enqueue: async (name, ...payloads) => {
        await app.queue.enqueue(name, ...payloads).catch((error) => {
          app.logger.warn({ job: name, err: error }, 'the job could not be enqueued; reconcile will do it');
        });
      },
    },
  };
}

/** The actions of the desk: the same functions that commands and jobs use. */
function deskActions(app: App): Omit<DeskActions, 'gather'> {
  const { db } = app;
  return {
    compose: async (record, issue) =>
      await draft(app, issue ? slotOf(issue) : await slotToCompose(app), record),
    edit: (request) => editIssue(db, request, weekSettings(app)),
    approve: async (issue, record) => {
      await approve(app, issue, record);
    },
    followLinks: (issue, record) => followIssueLinks(app, issue, record),
    leaveOutGone: async ({ id, slug }, record) => {
      const affected = await leaveOutGone(db, { issueId: id, ...record });
      if (affected?.isDropped === false)
        throw new AppError(
          'issue-refuses',
          `Issue ${slug} is ${affected.was}: nothing can be left out any more.`,
          {
            help: 'Cancel it; what else it carries stands for the next issue.',
          },
        );
      if (app.config.approval === 'auto' && affected?.was === 'approved')
        await approveAutomatically(app, await requireIssue(db, { id }));
    },
    takeBack: async ({ id }, record) => {
      await changeIssue(db, id, { type: 'edit' }, { record });
    },
    move: async (issue, record, to) => {
      await moveIssue(app, issue, parseMoment(to, app.config.schedule.zone), record);
    },
    send: async (issue, record) => {
      await send(app, issue, record);
    },
    pause: ({ id }, record, reason) => pause(app, id, reason, record),
    resume: async (issue, record) => {
      await resume(app, issue, record);
    },
    cancel: async (issue, record) => {
      await cancel(app, issue, record);
    },
    retry: async (issue, { reason, readers }, record) => {
      await retry(app, issue, reason, { expected: readers, record });
    },
    settled: (issueId) => afterSettling(app, issueId),
  };
}

/** Taking a comparison down and showing it again. */
export function contentActions(app: App): ContentActions {
  const { db, config, logger } = app;
  return {
    async hide(request) {
      const takenDown = await hideComparison(db, request);
      if (takenDown.change === 'changed')
        logger.warn({ comparison: request.slug, issues: takenDown.issues }, 'a comparison was taken down');
      // With `APPROVAL=auto` nobody would approve the issue a second time, so it is approved here.
      for (const { slug, was, isDropped } of takenDown.issues) {
        if (config.approval === 'auto' && isDropped && was === 'approved')
          await approveAutomatically(app, await requireIssue(db, { slug }));
      }
      return takenDown;
    },
    show: (request) => showComparison(db, request),
  };
}

/** How long DNS results are cached: records change rarely, and a resolver may take seconds. */
const DNS_CACHE_MS = 10 * 60_000;

/**
 * Returns the findings of `doctor`. No page waits for a resolver: it shows the cached findings, and starts a
 * refresh for the next request.
 */
function setUpOf(app: App): () => Finding[] {
  let found: Finding[] = [];
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (app.events !== 'none' && performance.now() - askedAt > DNS_CACHE_MS) {
      askedAt = performance.now();
      examineDns(app.config, dnsRecords()).then(
        (findings) => {
          found = findings;
        },
        (error) => app.logger.warn({ err: error }, 'the DNS records could not be looked up'),
      );
    }
    return [...examineSettings(app.config, app.events), ...found];
  };
}

function slotOf({ slot, dueAt }: Issue) {
  return { key: slot, label: slot, dueAt };
}
