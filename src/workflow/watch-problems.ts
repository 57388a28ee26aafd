import { EVERY_KIND, kindOf, type NoticeKind } from '../notices/notice-kinds.ts';
import { type Notice, notifyAll, openNotices, resolveAll } from '../notices/notice-store.ts';
import { each } from './each.ts';
import { NOTICE_RULES } from './notice-rules.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Opens a notice for every problem that exists and closes the notices that are over, kind by kind, even if the rule of
 * one kind fails.
 */
export async function watchForProblems(app: WeekContext): Promise<void> {
  const open = await openNotices(app.db);
  await each(EVERY_KIND, (kind) =>
    applyRule(
      app,
      kind,
      open.filter((notice) => notice.kind === kind),
    ),
  );
}

async function applyRule(app: WeekContext, kind: NoticeKind, open: readonly Notice[]): Promise<void> {
  const { db, clock, logger } = app;
  const at = clock();
  const rule = NOTICE_RULES[kind];
  const found = await rule.find(app, open);
  const known = new Map(open.map((notice) => [notice.subject, notice]));
  const changed = found.filter(({ subject, message }) => known.get(subject)?.message !== message);
  const begun = await notifyAll(
    db,
    kind,
    changed.map(({ subject, message, since }) => ({ subject, message, at: since ?? at })),
  );
  if (begun.length > 0)
    logger.error({ notice: kind, subjects: begun.slice(0, LOGGED) }, kindOf(kind).title(begun));

  const current = new Set(found.map(({ subject }) => subject));
  const over = open.filter(({ subject }) => !current.has(subject));
  const ended = [];
  for (const notice of over)
    ended.push({ subject: notice.subject, recovery: rule.ended && (await rule.ended(app, notice)) });
  if ((await resolveAll(db, kind, ended, at)) > 0)
    logger.warn(
      { notice: kind, subjects: ended.slice(0, LOGGED).map(({ subject }) => subject) },
      'notices are over',
    );
}

/** The most subjects in one line of the log. */
const LOGGED = 10;
