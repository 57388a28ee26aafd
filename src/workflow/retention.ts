import { forgetEvents } from '../sending/events/event-store.ts';
import { forgetGathers } from '../sources/source-store.ts';
import { deleteExpiredEvidence } from '../subscribers/consent-log/consent-log-store.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Deletes what RETENTION says is old: events of the provider, gatherings, and the evidence of consent of people who have
 * left. Evidence of somebody who still reads is kept. What to delete follows from the rows alone, so that a run which was
 * missed is made up for by the next.
 */
export async function forgetOldData({ config, db, logger }: WeekContext): Promise<void> {
  const { eventDays, gatherDays, evidenceMonths } = config.retention;
  const events = await forgetEvents(db, eventDays);
  const gathers = await forgetGathers(db, gatherDays);
  const evidence = await deleteExpiredEvidence(db, evidenceMonths);
  if (events + gathers + evidence > 0) logger.info({ events, gathers, evidence }, 'old data was deleted');
}
