import type { FastifyInstance } from 'fastify';
import type { Publish } from '../comparisons/visibility-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { sendCached } from '../platform/http/cache-headers.ts';
import { fromDatabase } from '../platform/http/problems.ts';
import { resource } from '../platform/http/resource.ts';
import type { Site } from '../platform/site.ts';
import { compile, personalise } from '../render/personalise.ts';
import type { Forms } from '../subscribers/sign-up/sign-up-form.ts';
import { archivePage } from './archive-page.tsx';
import {
  findPublished,
  findTold,
  type PublishedIssue,
  publishedIssues,
  publishedVerdicts,
} from './archive-store.ts';
import { atomFeed, jsonFeed } from './feeds.ts';
import { homePage } from './home-page.tsx';
import { withNotice, withTextNotice } from './issue-notice.ts';
import { toldPage } from './told-page.tsx';

const HTML = 'text/html; charset=utf-8';

/** Mail is styled inline; it has no scripts, images or forms, and this policy would block them. */
const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/** A feed shows the newest issues only; the archive has the rest. */
const FEED_LENGTH = 20;

/** Enough for all issues of a weekly newsletter in nineteen years. */
const ARCHIVE_LENGTH = 1_000;

/** The front page, the archive of issues as mailed, and its feeds. */
export function archiveRoutes(
  app: FastifyInstance,
  { db, site, forms, publish }: { db: Connection; site: Site; forms: Forms; publish: Publish },
): void {
  resource(app, '/', {
    GET: async (request, reply) => {
      const [latest] = await fromDatabase(publishedVerdicts(db, 1, publish));
      return sendCached(request, reply, {
        type: HTML,
        body: homePage(site, latest, await forms.make('home')),
        changedAt: latest?.changedAt,
        finish: forms.withToken,
      });
    },
  });

  resource(app, '/issues', {
    GET: async (request, reply) => {
      const issues = await fromDatabase(publishedIssues(db, ARCHIVE_LENGTH));
      return sendCached(request, reply, {
        type: HTML,
        body: archivePage(site, issues),
        changedAt: latestOf(issues),
      });
    },
  });

  for (const [path, type, feed] of [
    ['/issues.atom', 'application/atom+xml; charset=utf-8', atomFeed],
    ['/issues.json', 'application/feed+json; charset=utf-8', jsonFeed],
  ] as const) {
    resource(app, path, {
      GET: async (request, reply) => {
        const issues = await fromDatabase(publishedVerdicts(db, FEED_LENGTH, publish));
        return sendCached(request, reply, {
          type,
          body: feed(site, issues),
          changedAt: latestOf(issues),
        });
      },
    });
  }

  resource<{ slug: string }>(app, '/issues/:slug', {
    GET: async (request, reply) => {
      const { html, issue } = await asMailed(db, site, request.params.slug);
      reply.header('content-security-policy', MAIL_POLICY);
      if (issue.isStopped) reply.header('x-robots-tag', 'noindex');
      const { changedAt } = issue;
      return sendCached(request, reply, { type: HTML, body: withNotice(html, site, issue), changedAt });
    },
  });

  resource<{ slug: string }>(app, '/issues/:slug/all', {
    GET: async (request, reply) => {
      const { slug } = request.params;
      const told = isSlug(slug) ? await fromDatabase(findTold(db, slug, publish)) : undefined;
      if (told === undefined) throw new AppError('page-unknown', 'No such issue.');
      // It changes with the visibility of each comparison that it lists, so only its content says whether it changed.
      if (told.issue.isStopped) reply.header('x-robots-tag', 'noindex');
      return sendCached(request, reply, { type: HTML, body: toldPage(site, told), changedAt: undefined });
    },
  });

  resource<{ slug: string }>(app, '/issues/:slug.txt', {
    GET: async (request, reply) => {
      const { text, issue } = await asMailed(db, site, request.params.slug);
      if (issue.isStopped) reply.header('x-robots-tag', 'noindex');
      return sendCached(request, reply, {
        type: 'text/plain; charset=utf-8',
        body: withTextNotice(text, site, issue),
        changedAt: issue.changedAt,
      });
    },
  });
}

/** A slot never has other characters, and a NUL would be a database error. */
const isSlug = (slug: string): boolean => /^[\p{L}\p{N}-]+$/u.test(slug);

/** Returns when an issue of the list changed last. */
function latestOf(issues: readonly PublishedIssue[]): Date | undefined {
  if (issues.length === 0) return undefined;
  return new Date(Math.max(...issues.map(({ changedAt }) => Number(changedAt))));
}

/**
 * The general variant, byte for byte as it was mailed, except that its personal links lead to pages that explain
 * what to do. Comparisons that were taken down since stay in it, under a notice that says so; so does an issue that was
 * stopped after some readers had it.
 * @throws AppError `page-unknown`.
 */
async function asMailed(db: Connection, site: Site, slug: string) {
  const issue = isSlug(slug) ? await fromDatabase(findPublished(db, slug)) : undefined;
  if (issue === undefined) throw new AppError('page-unknown', 'No such issue.');
  const links = {
    unsubscribe: `${site.publicUrl}/unsubscribe`,
    preferences: `${site.publicUrl}/preferences`,
    vote: `${site.publicUrl}/vote`,
  };
  return { ...personalise(compile(issue), links), issue };
}
