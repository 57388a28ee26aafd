import { DateTime } from 'luxon';

/** When the weekly issue is due, derived by luxon alone: the program's own rules are what is tested. */
export const ZONE = 'Europe/Berlin';
export const SCHEDULE = 'Tue 09:00';

const HOUR = 3_600_000;
const MINUTE = 60_000;

export interface Week {
  /** Counts from 1. */
  number: number;
  /** Local date of the slot: "2026-12-08". */
  slot: string;
  dueAt: Date;
}

/** The weeks of a year that begins with the first Tuesday on or after `from` ("2026-12-01"). */
export function weeksFrom(from: string, count: number): Week[] {
  const day = DateTime.fromISO(from, { zone: ZONE });
  const first = day.plus({ days: (2 - day.weekday + 7) % 7 }).set({ hour: 9 });
  return Array.from({ length: count }, (_, index) => {
    const due = first.plus({ weeks: index });
    return { number: index + 1, slot: due.toISODate() ?? '', dueAt: due.toJSDate() };
  });
}

/** A moment at which the program is run. */
export interface Instant {
  at: Date;
  /** Hours after the slot; negative before it. */
  hours: number;
  /** Whether the hourly jobs are run now: they read the sources, and forget what is old. */
  gathers: boolean;
}

/** The moments of a week that matter: daily at first, then each hour around the draft and the slot. */
export function instantsOf({ dueAt }: Week): Instant[] {
  const at = (hours: number, gathers = false): Instant => ({
    at: new Date(dueAt.getTime() + hours * HOUR),
    hours,
    gathers,
  });
  const soon = (hours: number, minutes: number) => at(hours + minutes / 60);
  return [
    ...[-144, -120, -96, -72, -48].map((hours) => at(hours, true)),
    at(-26, true),
    soon(-24, 0.2),
    at(-23),
    at(-22, true),
    at(-12, true),
    at(-4, true),
    at(-2.5),
    at(-1, true),
    soon(0, 0.2),
    soon(0, 5),
    soon(0, 30),
    soon(0, 58),
    at(2, true),
    at(3),
    at(8, true),
  ];
}

export const MS = { hour: HOUR, minute: MINUTE, day: 24 * HOUR, week: 168 * HOUR };
