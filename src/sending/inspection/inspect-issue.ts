import {
  type GoneComparison,
  type PresenceChanges,
  recordPageAnswers,
} from '../../comparisons/gone/gone-store.ts';
import { type LinkFact, linksOf } from '../../issues/editorial.ts';
import { type Issue, issueChanged } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import type { LinkCheck } from '../../sources/crawl/follow-links.ts';
import { sourceHealth } from '../../sources/source-store.ts';
import { planOf, renderIssue } from '../prepare-issue.ts';
import {
  type CheckContext,
  type Override,
  type PanelCheck,
  panelOf,
  type RenderedIssue,
} from './check-panel.ts';
import {
  factsOf,
  insertOverride,
  lockIfUnchanged,
  newlyQuarantined,
  storedRendering,
  storeRendering,
  writeLinks,
} from './inspection-store.ts';

/** The result of an inspection. */
export interface Inspection {
  checks: PanelCheck[];
  /** Every variant with the size of its HTML. */
  variants: { number: number; topics: string[]; bytes: number }[];
  /** Every page that the issue links to, with the result of the last request to it. */
  links: { url: string; title: string; fact: LinkFact | undefined }[];
  /** What the issue carries and its site no longer has. */
  gone: GoneComparison[];
}

/**
 * Renders every variant as it would be sent, and stores what the checks found.
 * @throws AppError `issue-empty`, `render-failed`.
 */
export async function makeRendering(db: Connection, issue: Issue, now: Date): Promise<RenderedIssue[]> {
  const { variants } = await renderIssue(db, issue);
  const rendered = variants.map(({ number, content, checks, bytes }) => ({
    ...{ number, content: { topics: content.topics }, checks, bytes },
  }));
  await storeRendering(db, issue, rendered, now);
  return rendered;
}

export interface InspectionOptions {
  now: Date;
  setUp?: CheckContext['setUp'];
  variants: RenderedIssue[];
}

/**
 * Checks everything that can be known about an issue before it is sent. Nothing is written, and no other host is
 * asked.
 * @throws AppError `issue-empty`.
 */
export async function inspectIssue(
  db: Connection,
  issue: Issue,
  { now, setUp = [], variants }: InspectionOptions,
): Promise<Inspection> {
  const plan = planOf(issue);
  const [known, health, quarantined] = await Promise.all([
    factsOf(db, issue),
    sourceHealth(db),
    newlyQuarantined(db),
  ]);
  const failing = health.filter(({ isFailing }) => isFailing);
  const byUrl = new Map(known.links.map((each) => [each.url, each]));
  return {
    checks: panelOf({ plan, variants, ...known, now }, { failing, quarantined, setUp }),
    variants: variants.map(({ number, bytes, content }) => ({ number, topics: content.topics, bytes })),
    links: linksOf(plan).map(({ url, about }) => ({ url, title: about.title, fact: byUrl.get(url) })),
    gone: known.site.gone,
  };
}

/** The shortest reason that an override accepts, in characters. */
export const REASON_FROM = 10;

export interface OverrideRequest extends Omit<Override, 'at'> {
  /** The issue as the publisher saw it: the override is valid for its plan only. */
  issue: Issue;
  now: Date;
  /** Writes it into the audit log, in the transaction of the action. */
  record(tx: Connection): Promise<void>;
}

/**
 * Accepts a red check, for exactly the plan and the template that the publisher saw. Idempotent.
 * @throws AppError `override-refused` for a short reason, or a check that is not red or may never be overridden;
 * `issue-changed`, `issue-refuses`.
 */
export async function overrideCheck(
  db: Connection,
  { issue, key, reason, who, now, record }: OverrideRequest,
): Promise<void> {
  if (issue.status !== 'draft' && issue.status !== 'review')
    throw new AppError('issue-refuses', `Issue ${issue.slug} is ${issue.status}; its checks are behind it.`);
  if ([...reason.trim()].length < REASON_FROM)
    throw new AppError('override-refused', 'An override needs a reason.', {
      help: `Write at least ${REASON_FROM} characters: the next editor wants to know.`,
    });
  const variants = (await storedRendering(db, issue))?.variants ?? (await makeRendering(db, issue, now));
  const { checks } = await inspectIssue(db, issue, { now, variants });
  const check = checks.find((each) => each.key === key && each.level === 'block');
  if (check === undefined)
    throw new AppError('override-refused', 'This check is not red any more.', { help: 'Look again.' });
  if (!check.isOverridable)
    throw new AppError('override-refused', `Nobody may let this stand. ${check.message}`, {
      help: check.help,
    });
  await db.transaction().execute(async (tx) => {
    if (!(await lockIfUnchanged(tx, issue))) throw issueChanged(issue);
    if (await insertOverride(tx, issue, { key, reason: reason.trim(), who })) await record(tx);
  });
}

export interface FollowOptions {
  follow(urls: readonly string[]): Promise<LinkCheck[]>;
  now: Date;
  /** Writes into the audit log how many links were followed, in the transaction that stores the results. */
  record?: ((tx: Connection, followed: number) => Promise<unknown>) | undefined;
}

/**
 * Requests pages that issues link to, and stores the results.
 * @returns the comparisons that turned out to be gone, or back.
 */
export async function checkLinks(
  db: Connection,
  urls: readonly string[],
  { follow, now, record }: FollowOptions,
): Promise<Pick<PresenceChanges, 'gone' | 'back'>> {
  const checks = await follow(urls);
  return db.transaction().execute(async (tx) => {
    if (checks.length > 0) await writeLinks(tx, checks, now);
    const presence = await recordPageAnswers(tx, checks, now);
    await record?.(tx, checks.length);
    return presence;
  });
}
