import { queueTest } from '../../sending/preview/test-send.ts';
import { keyId } from '../../subscribers/tokens.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { issueOf } from '../this-week/week-routes.ts';
import { testPage } from './test-send-page.tsx';

const HTML = 'text/html; charset=utf-8';

/** Sends a test of the issue to a few addresses; it is never in the ledger. */
export function testRoutes(editorPage: EditorPage, { db, keys, site, desk, enqueueMail }: DeskContext): void {
  editorPage<{ slug: string }>('/editor/issues/:slug/test', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const sent = Number(request.query.sent);
      return reply
        .type(HTML)
        .send(
          testPage(site, { session, issue, sent: Number.isInteger(sent) && sent > 0 ? sent : undefined }),
        );
    },
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const who = session.editor.email;
      const to = (session.form.get('to') ?? '').split(/[\s,;]+/).filter(Boolean);
      const mails = await queueTest(db, {
        issue,
        to,
        who,
        from: desk.sender,
        publicUrl: site.publicUrl,
        keyId: keyId(keys[0]),
        record: (tx, addresses) =>
          audit(tx, { who, what: 'test_sent', issue: issue.slug, details: { addresses } }),
      });
      for (const mailId of mails) enqueueMail(mailId);
      return reply.redirect(`/editor/issues/${issue.slug}/test?sent=${mails.length}`, 303);
    },
  });
}
