import { gonePagesToRequest } from '../comparisons/gone/gone-store.ts';
import { linksOf } from '../issues/editorial.ts';
import { type Issue, lastEdit, listIssues, requireIssue, setReviewReason } from '../issues/issue-store.ts';
import { describeGone, goneIn, leaveOutGone } from '../issues/take-down/gone.ts';
import type { Connection } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { checkLinks } from '../sending/inspection/inspect-issue.ts';
import { linkResults } from '../sending/inspection/inspection-store.ts';
import { planOf } from '../sending/prepare-issue.ts';
import { isFollowable } from '../sources/crawl/follow-links.ts';
import { followLinks, userAgent, type WebOptions } from '../sources/gather.ts';
import { each } from './each.ts';
import type { WeekContext } from './week-context.ts';

/**
 * The links of an issue: followed for an editor, before an automatic approval, and again for pages that are gone. Every
 * request obeys the rules of gathering, and all of them together take at most 20 seconds.
 */

/** How this installation asks other hosts. */
export function webOptionsOf({ config }: Pick<WeekContext, 'config'>): WebOptions {
  return {
    userAgent: userAgent(config.publicUrl),
    ...(config.allowPrivateSources ? { mayReach: () => true } : {}),
  };
}

/** Follows every link of an issue, and stores what came of it. */
export async function followIssueLinks(
  app: WeekContext,
  issue: Issue,
  record?: (tx: Connection, followed: number) => Promise<unknown>,
): Promise<void> {
  const urls = linksOf(planOf(issue)).map(({ url }) => url);
  await follow(app, urls, record);
}

async function follow(
  app: WeekContext,
  urls: readonly string[],
  record?: (tx: Connection, followed: number) => Promise<unknown>,
): Promise<void> {
  const { gone, back } = await checkLinks(app.db, urls, {
    now: app.clock(),
    record,
    follow: (each) => followLinks(each, webOptionsOf(app)),
  });
  logPresence(app, { gone, back });
}

const HOUR_MS = 3_600_000;
/** How long a result counts before an automatic approval. */
const WORKS_FOR_MS = 24 * HOUR_MS;
/** When a broken link is followed again: a site may have been down for a moment. */
const BROKEN_FOR_MS = HOUR_MS / 4;

/**
 * Follows the links that have no recent result, before an issue is approved without a person.
 * @throws AppError `links-broken` when a reader would find nothing behind one of them, or when one was not followed yet;
 * the next call goes on where this one stopped.
 */
export async function assertLinks(app: WeekContext, issue: Issue): Promise<void> {
  const links = linksOf(planOf(issue)).filter(({ url }) => isFollowable(url));
  const urls = links.map(({ url }) => url);
  const now = app.clock().getTime();
  const before = new Map((await linkResults(app.db, urls)).map((each) => [each.url, each]));
  const due = urls.filter((url) => {
    const known = before.get(url);
    return (
      known === undefined ||
      now - known.checkedAt.getTime() >= (known.isBroken ? BROKEN_FOR_MS : WORKS_FOR_MS)
    );
  });
  if (due.length > 0) await follow(app, due);
  const results = new Map((await linkResults(app.db, urls)).map((each) => [each.url, each]));
  const broken = links.filter(({ url }) => results.get(url)?.isBroken);
  const open = links.filter(({ url }) => !results.has(url));
  if (broken.length + open.length === 0) return;
  const named = broken.map(({ url, about }) => `${about.title}: it ${results.get(url)?.reason}`);
  const reasons = [
    ...(broken.length > 0 ? [`${count(broken.length)} nowhere (${named.slice(0, NAMED).join('; ')})`] : []),
    ...(open.length > 0 ? [`${open.length} of ${links.length} links were not followed yet`] : []),
  ];
  throw new AppError('links-broken', `Its links are not in order: ${reasons.join(', and ')}.`, {
    help: 'They are followed again until its slot. Leave out what is gone, or approve it yourself.',
    context: { issue: issue.slug },
  });
}

/** As many broken links as a person reads in one sentence. */
const NAMED = 5;
const count = (links: number) => (links === 1 ? 'one link leads' : `${links} links lead`);

/**
 * The issues that were not approved because of their links, and that nobody has edited since: they are approved once their
 * links work.
 * @param approve the automatic approval.
 */
export async function approveHeld(app: WeekContext, approve: (issue: Issue) => Promise<void>): Promise<void> {
  const { db, clock, config } = app;
  const held = (await listIssues(db, { status: ['review'] })).filter(isHeldByLinks);
  await each(held, async (issue) => {
    if (issue.dueAt <= clock()) return;
    const isTaken = config.approval !== 'auto' || (await lastEdit(db, issue.id)) !== undefined;
    if (isTaken) await setReviewReason(db, issue.id, null);
    else await approve(issue);
  });
}

/** Whether its links keep an issue from an automatic approval; its reason says which. */
export function isHeldByLinks({ status, reason, lateAt }: Issue): boolean {
  return status === 'review' && reason !== null && lateAt === null;
}

/** As many pages that are gone as one gathering requests again, each once a day. */
const GONE_AGAIN = 20;

/** Requests pages that were gone and that no source lists: a pushed comparison comes back this way. */
export async function requestGonePages(app: WeekContext): Promise<void> {
  const { db, clock } = app;
  const before = new Date(clock().getTime() - 24 * HOUR_MS);
  const urls = await gonePagesToRequest(db, { before, limit: GONE_AGAIN });
  if (urls.length > 0) await follow(app, urls);
}

/** Logs what went and what came back. */
export function logPresence(
  { logger }: Pick<WeekContext, 'logger'>,
  { gone, back }: { gone: readonly { slug: string; reason: string }[]; back: readonly string[] },
): void {
  for (const { slug, reason } of gone) logger.warn({ comparison: slug, reason }, 'a comparison is gone');
  for (const slug of back) logger.info({ comparison: slug }, 'a comparison is back');
}

/**
 * With `APPROVAL=auto`, approved issues that carry what is gone are composed again without it, and approved once more.
 * Otherwise an editor decides.
 * @param approve the automatic approval.
 */
export async function leaveOutAutomatically(
  app: WeekContext,
  approve: (issue: Issue) => Promise<void>,
): Promise<void> {
  const { db, config, logger } = app;
  if (config.approval !== 'auto') return;
  await each(await listIssues(db, { status: ['approved'] }), async (issue) => {
    const left = await leaveOutGone(db, { issueId: issue.id });
    if (left === undefined) return;
    logger.warn({ issue: issue.slug }, 'what is gone was left out');
    const current = await requireIssue(db, { id: issue.id });
    if (current.status === 'review') await approve(current);
  });
}

/** @throws AppError `comparison-gone`: what is gone is mailed to nobody. */
export async function refuseGone({ db }: WeekContext, issue: Issue): Promise<void> {
  const isFrozen = !['approved', 'paused', 'failed'].includes(issue.status) || issue.resumeTo === 'sending';
  const gone = isFrozen || issue.plan === null ? [] : await goneIn(db, issue.plan);
  if (gone.length === 0) return;
  throw new AppError('comparison-gone', `Issue ${issue.slug} carries what is gone: ${describeGone(gone)}.`, {
    help: 'Leave it out, on the page of the checks, and approve the issue again.',
    context: { issue: issue.slug },
  });
}
