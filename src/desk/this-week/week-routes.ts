import type { FastifyReply } from 'fastify';
import type { Edit } from '../../issues/edit.ts';
import {
  excludedFrom,
  findCandidates,
  findChoices,
  findIssue,
  findSummarised,
  type Issue,
  lastEdit,
  listIssues,
} from '../../issues/issue-store.ts';
import { OPEN_STATUSES } from '../../issues/lifecycle.ts';
import { goneIn } from '../../issues/take-down/gone.ts';
import { variantFor } from '../../issues/variants.ts';
import { type Notice, openNotices } from '../../notices/notice-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { TEMPLATES } from '../../render/render-variant.ts';
import { audit } from '../audit/audit.ts';
import type { DeskSession, EditorPage } from '../auth/editor-page.ts';
import type { Inspect } from '../checks/inspector.ts';
import type { DeskContext } from '../desk-context.ts';
import { conflictPage } from '../writing/conflict-page.tsx';
import type { WeekView } from '../writing/edit-form.tsx';
import { emptyPage, weekPage } from './week-page.tsx';

const HTML = 'text/html; charset=utf-8';

/** Returns the next open issue; if there is none, the newest one. */
export async function currentIssue(db: Connection): Promise<Issue | undefined> {
  const open = await listIssues(db, { status: [...OPEN_STATUSES], limit: 20 });
  return open.at(-1) ?? (await listIssues(db, { limit: 1 }))[0];
}

/** @throws AppError `page-unknown`. */
export async function issueOf(db: Connection, slug: string): Promise<Issue> {
  const issue = /^[\p{L}\p{N}-]{1,160}$/u.test(slug)
    ? await fromDatabase(findIssue(db, { slug }))
    : undefined;
  if (issue === undefined) throw new AppError('page-unknown', 'No such issue.');
  return issue;
}

/** The draft, and all edits of it. */
export function weekRoutes(editorPage: EditorPage, { db, site, desk }: DeskContext, inspect: Inspect): void {
  const pageOf = async (session: DeskSession, issue: Issue, notices: readonly Notice[] = []) => {
    const view = await fromDatabase(viewOf(db, issue));
    const isOpen = issue.status === 'draft' || issue.status === 'review';
    const inspection = isOpen && issue.plan !== null ? await inspect(issue) : undefined;
    const checks = inspection === null ? null : inspection?.checks;
    const isFinal = !OPEN_STATUSES.includes(issue.status) || issue.status === 'sending';
    const gone = issue.plan === null || isFinal ? [] : await fromDatabase(goneIn(db, issue.plan));
    return weekPage(site, { session, zone: desk.zone, view, checks, gone, notices });
  };

  editorPage('/editor', {
    GET: async (session, _request, reply) => {
      const [issue, notices] = await fromDatabase(Promise.all([currentIssue(db), openNotices(db)]));
      if (issue === undefined) return reply.type(HTML).send(emptyPage(site, session, desk.zone, notices));
      return reply.type(HTML).send(await pageOf(session, issue, notices));
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug', {
    GET: async (session, request, reply) =>
      reply.type(HTML).send(await pageOf(session, await issueOf(db, request.params.slug))),
  });

  editorPage('/editor/compose', {
    POST: async (session, _request, reply) => {
      const who = session.editor.email;
      const issue = await desk.actions.compose((tx, { slug }) =>
        audit(tx, { who, what: 'composed', issue: slug }),
      );
      return back(reply, issue);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/compose', {
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const who = session.editor.email;
      await desk.actions.compose((tx, { slug }) => audit(tx, { who, what: 'composed', issue: slug }), issue);
      return back(reply, issue);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/edit', {
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const { form } = session;
      const edit = editOf(form);
      const who = session.editor.email;
      const revision = Number(form.get('revision'));
      try {
        await desk.actions.edit({
          issueId: issue.id,
          revision,
          edit,
          who,
          record: (tx) => audit(tx, { who, what: 'edited', issue: issue.slug, details: { ...edit } }),
        });
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'issue-changed') throw error;
        const view = await fromDatabase(viewOf(db, await issueOf(db, issue.slug)));
        return reply
          .code(409)
          .type(HTML)
          .send(conflictPage(site, { session, zone: desk.zone, view, edit, form }));
      }
      const stays = 'slug' in edit && edit.kind !== 'hold' && edit.kind !== 'leave_out';
      const anchor = edit.kind === 'words' ? 'words' : 'section' in edit ? edit.section : 'ballot';
      return back(reply, issue, stays ? `at-${edit.slug}` : anchor);
    },
  });
}

function back(reply: FastifyReply, { slug }: Issue, anchor?: string): FastifyReply {
  return reply.redirect(
    `/editor/issues/${slug}${anchor === undefined ? '' : `#${encodeURIComponent(anchor)}`}`,
    303,
  );
}

/** @throws AppError `form-unknown` when it is not one of our forms. */
function editOf(form: URLSearchParams): Edit {
  const kind = form.get('kind');
  const slug = form.get('slug') ?? '';
  switch (kind) {
    case 'up':
    case 'down':
    case 'lead':
    case 'hold':
    case 'add':
      return { kind, slug };
    case 'unpin':
    case 'reorder':
      return { kind };
    case 'move':
      return { kind, slug, before: form.get('before') || null };
    case 'leave_out':
      return { kind, slug, reason: form.get('reason') ?? '' };
    case 'row_hold':
    case 'row_leave_out':
    case 'row_add': {
      const section = (['changed', 'readers'] as const).find((each) => each === form.get('section'));
      if (section === undefined) break;
      return { kind, section, key: form.get('key') ?? '' };
    }
    case 'words':
      return {
        kind,
        subject: form.get('subject') ?? '',
        preheader: form.get('preheader') ?? '',
        intro: form.get('intro') ?? '',
      };
    case 'look': {
      const template = TEMPLATES.find((each) => each === form.get('template'));
      if (template === undefined) break;
      const ticked = new Set(form.getAll('topic'));
      return { kind, template, withoutTopics: form.getAll('offered').filter((topic) => !ticked.has(topic)) };
    }
  }
  throw new AppError('form-unknown', 'Not a form of the desk.');
}

/** How many comparisons that could be added are listed. */
const ADDABLE = 50;

async function viewOf(db: Connection, issue: Issue): Promise<WeekView> {
  const { plan } = issue;
  const [choices, edited, leftOut, allLeftOut, candidates, summarised, others] = await Promise.all([
    findChoices(db, issue.id),
    lastEdit(db, issue.id),
    excludedFrom(db, issue.id),
    excludedFrom(db, undefined, 50),
    findCandidates(db, issue.id),
    findSummarised(db, issue.id),
    listIssues(db, { status: [...OPEN_STATUSES], limit: 20 }),
  ]);
  const here = new Set(plan?.comparisons.map(({ comparison }) => comparison.slug));
  const held = new Set(plan?.heldBack);
  const out = new Set(leftOut.map(({ slug }) => slug));
  const aside = candidates
    .map(({ comparison }) => comparison)
    .filter(({ slug }) => !here.has(slug) && !out.has(slug));
  const counted = new Set(summarised);
  const addable = aside.filter(({ slug }) => !held.has(slug));
  return {
    issue,
    choices,
    edited,
    leftOut,
    held: aside.filter(({ slug }) => held.has(slug)),
    addable: [
      ...addable.slice(0, ADDABLE).map((comparison) => ({
        comparison,
        why: counted.has(comparison.slug) ? 'told by number' : 'waits for the next issue',
      })),
      ...allLeftOut
        .filter(({ slug }) => !out.has(slug) && !here.has(slug))
        .map(({ comparison, issue: from, reason }) => ({
          comparison,
          why: `left out of ${from}: ${reason}`,
        })),
    ],
    furtherAddable: Math.max(0, addable.length - ADDABLE),
    content: plan && variantFor(plan, []),
    ours: plan && variantFor({ ...plan, subject: null, preheader: null }, []),
    others: others.filter(({ id }) => id !== issue.id),
  };
}
