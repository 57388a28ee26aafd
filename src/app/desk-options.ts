import type { DeskActions, DeskOptions } from '../desk/desk-context.ts';
import { editIssue } from '../issues/compose-issue.ts';
import { changeIssue, type Issue, requireIssue } from '../issues/issue-store.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import { hideComparison, showComparison } from '../issues/take-down/take-down.ts';
import { checkLinks } from '../sending/inspection/inspect-issue.ts';
import { followLinks, userAgent } from '../sources/gather.ts';
import {
  afterSettling,
  approve,
  approveAutomatically,
  cancel,
  draft,
  pause,
  send,
  slotToCompose,
  weekSettings,
} from '../workflow/week.ts';
import type { App } from './app.ts';
import { dnsRecords, examineDns, examineSettings, type Finding } from './doctor.ts';

/** The desk of this installation; without editors there is none. */
export function deskOf(app: App): DeskOptions | undefined {
  const { editors, passkeys, schedule, mail } = app.config;
  if (editors.length === 0) return undefined;
  return {
    editors,
    passkeys,
    zone: schedule.zone,
    sender: mail.from,
    actions: deskActions(app),
    queues: { bare: app.queue.raw, knowWorkers: app.database.backend !== 'embedded' },
    setUp: setUpOf(app),
  };
}

/** The steps that the desk asks for, each the one that commands and jobs take. */
function deskActions(app: App): DeskActions {
  const { db } = app;
  return {
    compose: async (record, issue) =>
      await draft(app, issue ? slotOf(issue) : await slotToCompose(app), record),
    edit: (request) => editIssue(db, request, weekSettings(app)),
    approve: async (issue, record) => {
      await approve(app, issue, record);
    },
    followLinks: (issue, record) =>
      checkLinks(db, issue, {
        now: app.clock(),
        record,
        follow: (urls) =>
          followLinks(urls, {
            userAgent: userAgent(app.config.publicUrl),
            ...(app.config.allowPrivateSources ? { mayReach: () => true } : {}),
          }),
      }),
    takeBack: async ({ id }, record) => {
      await changeIssue(db, id, { type: 'edit' }, { record });
    },
    send: async (issue, record) => {
      await send(app, issue, record);
    },
    pause: ({ id }, record, reason) => pause(app, id, reason, record),
    // Back to where it was: an issue that was only approved still waits for its slot.
    resume: async ({ id }, record) => {
      const { issue } = await changeIssue(db, id, { type: 'resume' }, { record });
      if (issue.status !== 'approved' || issue.dueAt <= app.clock()) await send(app, issue);
    },
    cancel: async (issue, record) => {
      await cancel(app, issue, record);
    },
    settled: (issueId) => afterSettling(app, issueId),
    gather: () => app.queue.enqueue('gather', {}),
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
      // Where nobody approves, nobody would approve once more what was approved before.
      for (const { slug, was, isDropped } of takenDown.issues) {
        if (config.approval === 'auto' && isDropped && was === 'approved')
          await approveAutomatically(app, await requireIssue(db, { slug }));
      }
      return takenDown;
    },
    show: (request) => showComparison(db, request),
  };
}

/** Names change rarely, and a resolver may take seconds: asked again after this long. */
const DNS_CACHE_MS = 10 * 60_000;

/**
 * What `doctor` says of this installation. Nobody waits for a resolver: a page shows what was found last, and
 * asks for the next one.
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
