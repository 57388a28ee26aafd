import type { App } from './app.ts';
import { checkLinks } from './delivery/index.ts';
import { dnsRecords, examineDns, examineSettings, type Finding } from './doctor.ts';
import type { DeskOptions, DeskSteps } from './http/index.ts';
import { changeIssue, editIssue, type Issue, requireIssue } from './issues/index.ts';
import { followLinks, userAgent } from './sources/index.ts';
import { afterSettling, approve, cancel, draft, pause, send, slotToCompose, weekSettings } from './weekly.ts';

/** The desk of this installation; without editors there is none. */
export function deskOf(app: App, tell?: DeskOptions['tell']): DeskOptions | undefined {
  const { editors, schedule, mail } = app.config;
  if (editors.length === 0) return undefined;
  return {
    editors,
    zone: schedule.zone,
    sender: mail.from,
    steps: deskSteps(app),
    setUp: setUpOf(app),
    tell,
  };
}

/** The steps that the desk asks for, each the one that commands and jobs take. */
function deskSteps(app: App): DeskSteps {
  const { db } = app;
  return {
    compose: async (issue) => await draft(app, issue ? slotOf(issue) : await slotToCompose(app)),
    edit: (request) => editIssue(db, request, weekSettings(app)),
    approve: (issue) => approve(app, issue),
    followLinks: (issue) =>
      checkLinks(db, issue, {
        now: app.clock(),
        follow: (urls) =>
          followLinks(urls, {
            userAgent: userAgent(app.config.publicUrl),
            ...(app.config.allowPrivateSources ? { mayReach: () => true } : {}),
          }),
      }),
    takeBack: async ({ id }) => (await changeIssue(db, id, { type: 'edit' })).issue,
    send: (issue) => send(app, issue),
    pause: async ({ id }, reason) => {
      await pause(app, id, reason);
      return requireIssue(db, { id });
    },
    // Back to where it was: an issue that was only approved still waits for its slot.
    resume: async ({ id }) => {
      const { issue } = await changeIssue(db, id, { type: 'resume' });
      return issue.status === 'approved' && issue.dueAt > app.clock() ? issue : send(app, issue);
    },
    cancel: (issue) => cancel(app, issue),
    settled: (issueId) => afterSettling(app, issueId),
    gather: () => app.queue.enqueue('gather', {}),
  };
}

/** Names change rarely, and a resolver may take seconds: asked again after this long. */
const DNS_KEPT_MS = 10 * 60_000;

/**
 * What `doctor` says of this installation. Nobody waits for a resolver: a page shows what was found last, and
 * asks for the next one.
 */
function setUpOf(app: App): () => Finding[] {
  let found: Finding[] = [];
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (app.events !== 'none' && performance.now() - askedAt > DNS_KEPT_MS) {
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
