import { hostname } from 'node:os';
import { describeClock, isClockRight } from '../platform/db/database-time.ts';
import { forgetWrongClock, recordWrongClock } from '../platform/db/wrong-clock-store.ts';
import type { Working } from '../platform/queue/job-queue.ts';
import { doDutiesWithoutSlots } from './duties.ts';
import type { WeekContext } from './week-context.ts';

const EVERY_MS = 60_000;

/** This process in logs and notices. */
export const thisWorker = () => `${hostname()}:${process.pid}`;

/**
 * Keeps a worker whose clock is wrong from scheduled work, until it is right again. Meanwhile it takes no job of the
 * queue `issues`, so that other workers get them all, and does the duties that are not about slots, so that people are
 * told even when it is the only one.
 */
export interface ClockWatch extends AsyncDisposable {
  /** Compares the clocks and acts on it; called every minute. */
  check(): Promise<void>;
}

export async function watchClock(app: WeekContext, working: Working): Promise<ClockWatch> {
  const { db, time, logger } = app;
  const worker = thisWorker();
  let isHeld = false;
  const check = async () => {
    const aheadMs = await time.measure();
    const isRight = isClockRight(time);
    if (isRight && isHeld) {
      isHeld = false;
      await forgetWrongClock(db, worker);
      logger.warn({ worker }, 'the clock of this worker is right again: it takes scheduled work');
      await working.hold('issues', false);
    }
    if (isRight) return;
    await recordWrongClock(db, worker, aheadMs);
    if (!isHeld) {
      isHeld = true;
      logger.error(
        { worker, aheadMs: Math.round(aheadMs) },
        `the clock of this worker is ${describeClock(aheadMs)} the database's: it takes no scheduled work until it is right`,
      );
      await working.hold('issues', true);
    }
    await doDutiesWithoutSlots(app);
  };
  await check();
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = check().catch((error) => logger.warn({ err: error }, 'the clocks could not be compared'));
  }, EVERY_MS);
  return {
    check,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
      if (isHeld) await forgetWrongClock(db, worker).catch(() => {});
    },
  };
}
