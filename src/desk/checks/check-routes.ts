import { issueChanged } from '../../issues/issue-store.ts';
import { AppError } from '../../platform/errors.ts';
import { overrideCheck } from '../../sending/inspection/inspect-issue.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { reasonIn } from '../this-week/decisions.ts';
import { issueOf } from '../this-week/week-routes.ts';
import { checksInProgressPage, checksPage } from './checks-page.tsx';
import type { Inspect } from './inspector.ts';

const HTML = 'text/html; charset=utf-8';

/** All known problems of an issue, links to the pages that fix them, and overrides. */
export function checkRoutes(
  editorPage: EditorPage,
  { db, site, desk, clock }: DeskContext,
  inspect: Inspect,
): void {
  editorPage<{ slug: string }>('/editor/issues/:slug/checks', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const inspection = await inspect(issue);
      if (inspection === null) return reply.type(HTML).send(checksInProgressPage(site, session, issue));
      return reply.type(HTML).send(checksPage(site, { session, zone: desk.zone, issue, inspection }));
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/checks/links', {
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const who = session.editor.email;
      await desk.actions.followLinks(issue, (tx, followed) =>
        audit(tx, { who, what: 'links_followed', issue: issue.slug, details: { followed } }),
      );
      return reply.redirect(`/editor/issues/${issue.slug}/checks#links`, 303);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/checks/leave-out-gone', {
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const entry = { who: session.editor.email, issue: issue.slug };
      await desk.actions.leaveOutGone(issue, {
        record: (tx, gone) => {
          const comparisons = gone.map(({ slug }) => slug);
          return audit(tx, { ...entry, what: 'gone_left_out', details: { comparisons } });
        },
        recordTakenBack: (tx) =>
          audit(tx, {
            ...entry,
            what: 'approval_taken_back',
            details: { because: 'it carried what is gone' },
          }),
      });
      return reply.redirect(`/editor/issues/${issue.slug}`, 303);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/checks/override', {
    publisher: true,

    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const { form } = session;
      // The override is only for the content that the publisher saw.
      if (form.get('plan') !== issue.planHash || form.get('template') !== issue.template)
        throw issueChanged(issue);
      const key = form.get('key');
      if (key === null) throw new AppError('form-unknown', 'Not a form of the desk.');
      const reason = reasonIn(form);
      const who = session.editor.email;
      const details = { check: key, reason, plan: issue.planHash };
      await overrideCheck(db, {
        ...{ issue, key, reason, who, now: clock() },
        record: (tx) => audit(tx, { who, what: 'check_overridden', issue: issue.slug, details }),
      });
      return reply.redirect(`/editor/issues/${issue.slug}/checks`, 303);
    },
  });
}
