import {
  type Issue,
  lockComposing,
  lockIssue,
  type RecordChange,
  requireIssue,
} from '../issues/issue-store.ts';
import { assertUntaken, setDueAt } from '../issues/late-store.ts';
import { dueLabel, movableUntil } from '../issues/slot.ts';
import { AppError } from '../platform/errors.ts';
import { forgetUrgentReminder } from './reminder-store.ts';
import { claimContents } from './week.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Moves one issue to another time; its slot, and the slots after it, stay. An approval stays, because the content does.
 * An issue that missed its slot is in time again.
 * @throws AppError `move-refused` for a time that has passed, or that is not before the next slot; `issue-refuses` when
 *   it is not waiting for its slot; `contents-taken` when it is late, and another issue carries some of it by now.
 */
export async function moveIssue(
  app: WeekContext,
  issue: Issue,
  to: Date,
  record?: RecordChange,
): Promise<Issue> {
  const { schedule } = app.config;
  const until = movableUntil(schedule, issue.slot);
  const help = `Choose one before ${dueLabel(until, schedule.zone)}, the next slot.`;
  if (to <= (await app.time.read()))
    throw new AppError('move-refused', `${dueLabel(to, schedule.zone)} has passed.`, { help });
  if (to >= until)
    throw new AppError('move-refused', `${dueLabel(to, schedule.zone)} belongs to the next issue.`, { help });
  return claimContents(app, issue, () =>
    app.db.transaction().execute(async (tx) => {
      await lockComposing(tx);
      const current = await lockIssue(tx, issue.id);
      if (current.lateAt === null && current.dueAt.getTime() === to.getTime()) return current;
      if (current.lateAt !== null) await assertUntaken(tx, current);
      if (!(await setDueAt(tx, issue.id, to)))
        throw new AppError('issue-refuses', `Issue ${issue.slug} is ${current.status}: it cannot be moved.`, {
          help: current.status === 'paused' ? 'Let it go on first.' : 'Nothing was changed.',
        });
      await forgetUrgentReminder(tx, issue.id);
      const moved = await requireIssue(tx, { id: issue.id });
      await record?.(tx, moved);
      return moved;
    }),
  );
}
