import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Issue, listIssues, requireIssue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import { disableLinks } from '../../render/disable-links.ts';
import { TEMPLATES } from '../../render/render-variant.ts';
import { impersonal, type Preview, previewIssue } from '../../sending/preview/preview-issue.ts';
import { findSubscriberByAddress } from '../../subscribers/subscriber-store.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { currentIssue, issueOf } from '../this-week/week-routes.ts';
import {
  type PreviewParams,
  type PreviewProps,
  type PreviewView,
  paramsOf,
  previewPage,
} from './preview-page.tsx';
import { findReview, listReviews, openReview, revokeReview } from './review-links.ts';

const HTML = 'text/html; charset=utf-8';

/**
 * The policy of a mail in a frame: no script, no form, no origin, and nothing loaded but its images. Its HTML is
 * the renderer's output, byte for byte except for its links.
 */
const mailPolicy = (images: boolean) =>
  `sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src ${images ? 'https: data:' : "'none'"}; ` +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

type Query = Record<string, string | undefined>;

/** Previews of an issue, for editors and, by a link that expires, for reviewers. */
export function previewRoutes(app: FastifyInstance, editorPage: EditorPage, context: DeskContext): void {
  const { db, keys, site, desk } = context;

  editorPage('/editor/preview', {
    GET: async (_visit, _request, reply) => {
      const issue = await fromDatabase(currentIssue(db));
      return reply.redirect(issue === undefined ? '/editor' : `/editor/issues/${issue.slug}/preview`, 303);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/preview', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const base = `/editor/issues/${issue.slug}`;
      const params = paramsOf(request.query);
      const props = await propsOf(db, context, issue, params, base);
      if (params.as !== undefined) {
        // A reader's copy reveals their topics, so reading it is recorded like reading their page.
        const details = { subscriber: params.as };
        const who = session.editor.email;
        await fromDatabase(audit(db, { who, what: 'person_read', issue: issue.slug, details }));
      }
      const reviews = (await fromDatabase(listReviews(db, issue.id, keys))).map(({ token, ...review }) => ({
        ...review,
        url: `${site.publicUrl}/editor/review/${token}`,
      }));
      return reply.type(HTML).send(previewPage(site, { ...props, session, reviews, zone: desk.zone }));
    },
    // An address is sent in a form, and never part of a URL.
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const reader = await fromDatabase(findSubscriberByAddress(db, session.form.get('email') ?? ''));
      if (reader === undefined)
        throw new AppError('preview-unknown', 'Nobody with that address is in the database.', {
          help: 'Look for a typing mistake.',
        });
      return reply.redirect(`/editor/issues/${issue.slug}/preview?as=${reader.id}`, 303);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/mail', {
    GET: async (_visit, request, reply) =>
      sendFrame(reply, context, await issueOf(db, request.params.slug), request.query),
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/reviews', {
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const who = session.editor.email;
      const id = session.form.get('revoke');
      if (id === null) await fromDatabase(openReview(db, { issue, who, keys }));
      else if (/^[\da-f-]{36}$/.test(id)) await fromDatabase(revokeReview(db, { id, issue, who }));
      return reply.redirect(`/editor/issues/${issue.slug}/preview#reviewers`, 303);
    },
  });

  /** @throws AppError `link-unknown`, the same for forged, expired and revoked links. */
  const reviewed = async (token: string): Promise<Issue> => {
    const issueId = await fromDatabase(findReview(db, token));
    if (issueId === undefined) throw new AppError('link-unknown', 'Not a living link for reviewers.');
    return await fromDatabase(requireIssue(db, { id: issueId }));
  };
  /** Reviewers see the issue, but no reader's copy of it. */
  const withoutReader = ({ as: _, ...query }: Query): Query => query;

  resource<{ token: string }>(app, '/editor/review/:token', {
    GET: async (request, reply) => {
      const { token } = request.params;
      const issue = await reviewed(token);
      const params = paramsOf(withoutReader(request.query as Query));
      const props = await propsOf(db, context, issue, params, `/editor/review/${token}`);
      return reply.type(HTML).send(previewPage(site, { ...props, zone: desk.zone }));
    },
  });

  resource<{ token: string; slug: string }>(app, '/editor/review/:token/mail', {
    GET: async (request, reply) =>
      sendFrame(reply, context, await reviewed(request.params.token), withoutReader(request.query as Query)),
  });
}

async function propsOf(
  db: Connection,
  { site }: DeskContext,
  issue: Issue,
  params: PreviewParams,
  base: string,
): Promise<Omit<PreviewProps, 'session' | 'zone'>> {
  const preview = await renderPreview(db, issue, params);
  const view: PreviewView = {
    issue,
    preview,
    text: impersonal(preview, site.publicUrl).text,
    last: undefined,
  };
  if (params.look === 'last') {
    const sent = await fromDatabase(listIssues(db, { status: ['sent'], limit: 2 }));
    view.last = sent.find(({ id }) => id !== issue.id);
  }
  return { view, params: params, base };
}

async function renderPreview(db: Connection, issue: Issue, params: PreviewParams): Promise<Preview> {
  return previewIssue(db, issue, {
    variant: params.variant,
    subscriberId: params.as,
    // A frozen issue is shown as it is.
    template:
      params.template === issue.template ? undefined : TEMPLATES.find((each) => each === params.template),
  });
}

async function sendFrame(
  reply: FastifyReply,
  { db, site }: DeskContext,
  issue: Issue,
  query: Query,
): Promise<FastifyReply> {
  const params = paramsOf(query);
  const shown = params.look === 'last' ? await lastSent(db, issue) : issue;
  const preview = await renderPreview(db, shown, params.look === 'last' ? paramsOf({}) : params);
  return reply
    .header('content-security-policy', mailPolicy(params.images))
    .type(HTML)
    .send(disableLinks(impersonal(preview, site.publicUrl).html));
}

/** @throws AppError `page-unknown`. */
async function lastSent(db: Connection, issue: Issue): Promise<Issue> {
  const sent = await fromDatabase(listIssues(db, { status: ['sent'], limit: 2 }));
  const last = sent.find(({ id }) => id !== issue.id);
  if (last === undefined) throw new AppError('page-unknown', 'No issue was sent yet.');
  return last;
}
