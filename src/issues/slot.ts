import { DateTime, IANAZone } from 'luxon';
import { AppError } from '../platform/errors.ts';

/**
 * When an issue is due. A slot is a local date and hour, not a fixed instant in UTC, because readers expect it at
 * their local time. It is named by its LOCAL DATE, which is unique in the database. So a clock change, two
 * schedulers or a restart can ask for the same slot any number of times and still get one issue (I6). Everything
 * here is a pure function of the schedule and the given `now`.
 *
 * Local times that do not exist (the gap in spring, or the day that Apia skipped) move forward to the first instant
 * that exists; of local times that happen twice (autumn) the first is meant.
 */

/** `SCHEDULE` and `TIMEZONE`, parsed. */
export interface Schedule {
  /** 1 = Monday to 7 = Sunday (ISO 8601). */
  weekday: number;
  hour: number;
  minute: number;
  /** IANA name: "Europe/Berlin". */
  zone: string;
}

export interface Slot {
  /** The local date, "2026-11-24": unique in the database. */
  key: string;
  /** For logs and people: "2026-11-24T09:00[Europe/Berlin]". */
  label: string;
  dueAt: Date;
}

/** `due`: the issue is sent now. `missed`: it is too late to send it without a person's decision. */
export interface DueSlot {
  kind: 'due' | 'missed';
  slot: Slot;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The time between two slots, but for clock changes. */
export const SCHEDULE_INTERVAL_MS = 7 * 24 * HOUR;

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * Reads `SCHEDULE` ("Tue 09:00", "tuesday 9:00") and `TIMEZONE` (an IANA name).
 * @throws AppError `bad-schedule` or `bad-timezone`, saying what is expected.
 */
export function parseSchedule(schedule: string, timezone: string): Schedule {
  const match = /^\s*([a-z]{3,})\.?\s+(\d{1,2}):(\d{2})\s*$/i.exec(schedule);
  const day = match?.[1]?.toLowerCase() ?? '';
  const weekday = day === '' ? 0 : WEEKDAYS.findIndex((name) => name.startsWith(day)) + 1;
  const hour = Number(match?.[2]);
  const minute = Number(match?.[3]);
  if (weekday === 0 || !(hour <= 23) || !(minute <= 59)) {
    throw new AppError('bad-schedule', `"${schedule}" is not a weekday and a time of day.`, {
      help: 'Write it like "Tue 09:00": a weekday in English and the time from 00:00 to 23:59.',
    });
  }
  const zone = timezone.trim();
  // A newer Intl also accepts "+02:00", which has no clock changes and is no place's local time.
  if (!/^[a-z]/i.test(zone) || !IANAZone.isValidZone(zone)) {
    throw new AppError('bad-timezone', `"${timezone}" is not a time zone this machine knows.`, {
      help: 'Use an IANA name like "Europe/Berlin", "America/New_York" or "UTC".',
    });
  }
  return { weekday, hour, minute, zone };
}

/**
 * Reads a length of time: "90m", "24h", "2d" (a day is 24 hours).
 * @returns milliseconds, 0 or more.
 * @throws AppError `bad-duration`.
 */
export function parseDuration(text: string): number {
  const match = /^\s*(\d{1,6})\s*([mhd])\s*$/i.exec(text);
  if (!match) {
    throw new AppError('bad-duration', `"${text}" is not a length of time.`, {
      help: 'Write a whole number and m, h or d: "90m", "24h", "2d".',
    });
  }
  const unit = { m: MINUTE, h: HOUR, d: 24 * HOUR }[match[2]?.toLowerCase() as 'm' | 'h' | 'd'];
  return Number(match[1]) * unit;
}

/** Returns the latest slot that is due at `now` or was due before. */
export function slotAtOrBefore(schedule: Schedule, now: Date): Slot {
  const today = DateTime.fromJSDate(now, { zone: schedule.zone });
  const ahead = (schedule.weekday - today.weekday + 7) % 7;
  // The local calendar date, held in UTC so that adding days never meets a clock change.
  let date = DateTime.utc(today.year, today.month, today.day).plus({ days: ahead });
  let slot = slotOn(schedule, date);
  while (slot.dueAt > now) {
    date = date.minus({ days: 7 });
    slot = slotOn(schedule, date);
  }
  return slot;
}

/** Returns the first slot strictly after `now`. */
export function nextSlot(schedule: Schedule, now: Date): Slot {
  return weekAfter(schedule, slotAtOrBefore(schedule, now));
}

/**
 * Returns every slot due after `from` and not after `to`, oldest first: the slots that a stopped scheduler has to
 * catch up on.
 */
export function slotsBetween(schedule: Schedule, from: Date, to: Date): Slot[] {
  const slots: Slot[] = [];
  for (let slot = nextSlot(schedule, from); slot.dueAt <= to; slot = weekAfter(schedule, slot)) {
    slots.push(slot);
  }
  return slots;
}

/**
 * Returns the slot that should have an issue now, or null when the latest slot was due before `since` (the time of
 * installation: no issue is due from before it).
 */
export function dueSlot(schedule: Schedule, now: Date, { since }: { since?: Date } = {}): DueSlot | null {
  const slot = slotAtOrBefore(schedule, now);
  if (since && slot.dueAt < since) return null;
  return { kind: lateness(slot, now), slot };
}

/** A slot that is later than this is missed, and its issue waits for a person. */
export const MISSED_AFTER_HOURS = 12;

/** Whether a slot, perhaps one of {@link slotsBetween}, may still be sent without a person. */
export function lateness(slot: Pick<Slot, 'dueAt'>, now: Date): DueSlot['kind'] {
  return now.getTime() - slot.dueAt.getTime() > MISSED_AFTER_HOURS * HOUR ? 'missed' : 'due';
}

/** Returns when the draft for a slot is made: `REVIEW_LEAD` before the slot. */
export function draftAt(slot: Slot, reviewLeadMs: number): Date {
  return new Date(slot.dueAt.getTime() - reviewLeadMs);
}

/** Returns the future slots whose draft should exist at `now`; at most one while the lead is under a week. */
export function slotsToDraft(schedule: Schedule, now: Date, reviewLeadMs: number): Slot[] {
  return slotsBetween(schedule, now, new Date(now.getTime() + reviewLeadMs));
}

function weekAfter(schedule: Schedule, slot: Slot): Slot {
  return slotOn(schedule, DateTime.fromISO(slot.key, { zone: 'utc' }).plus({ days: 7 }));
}

function slotOn(schedule: Schedule, date: DateTime): Slot {
  const wall = date.set({ hour: schedule.hour, minute: schedule.minute, second: 0, millisecond: 0 });
  return {
    key: wall.toFormat('yyyy-MM-dd'),
    label: `${wall.toFormat("yyyy-MM-dd'T'HH:mm")}[${schedule.zone}]`,
    dueAt: new Date(firstInstant(wall.toMillis(), schedule.zone)),
  };
}

/**
 * Returns the first instant at which clocks in `zone` show `wall` (local time, written as if it were UTC) or, in a
 * gap, the instant at which they jump over it. Luxon alone would move 02:30 to 03:30, and does not define which of
 * two 02:30 it means.
 */
function firstInstant(wall: number, zoneName: string): number {
  const zone = IANAZone.create(zoneName);
  const shown = (instant: number) => instant + zone.offset(instant) * MINUTE;
  // No zone was ever 16 hours from UTC, and none changes its clocks twice in the 32 hours between.
  let before = wall - 16 * HOUR;
  let after = wall + 16 * HOUR;
  const candidates = [before, after]
    .map((instant) => wall - zone.offset(instant) * MINUTE)
    .filter((instant) => shown(instant) === wall);
  if (candidates.length > 0) return Math.min(...candidates);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shown(middle) >= wall) after = middle;
    else before = middle;
  }
  return after;
}

/** "Tuesday 24 November, 09:00 Europe/Berlin", for people. */
export function dueLabel(dueAt: Date, zone: string): string {
  return `${DateTime.fromJSDate(dueAt, { zone }).setLocale('en-GB').toFormat('cccc d LLLL, HH:mm')} ${zone}`;
}

/**
 * Reads a local date and time, "2027-01-06 09:00", in an IANA zone.
 * @throws AppError `bad-moment`.
 */
export function parseMoment(text: string, zone: string): Date {
  const match = /^\s*(\d{4}-\d{2}-\d{2})[ T](\d{1,2}):(\d{2})\s*$/.exec(text);
  const wall = DateTime.fromISO(`${match?.[1]}T${match?.[2]?.padStart(2, '0')}:${match?.[3]}`, {
    zone: 'utc',
  });
  if (match === null || !wall.isValid) {
    throw new AppError('bad-moment', `"${text}" is not a date and a time of day.`, {
      help: `Write it like "2027-01-06 09:00"; it is the time in ${zone}.`,
    });
  }
  return new Date(firstInstant(wall.toMillis(), zone));
}

/** "2027-01-06T09:00", as {@link parseMoment} and a form field for a local time read it. */
export function formatMoment(at: Date, zone: string): string {
  return DateTime.fromJSDate(at, { zone }).toFormat("yyyy-MM-dd'T'HH:mm");
}

/**
 * Until when the issue of a slot can be moved: the next slot has an issue of its own.
 * @param slot its key.
 */
export function movableUntil(schedule: Schedule, slot: string): Date {
  return weekAfter(schedule, { key: slot, label: '', dueAt: new Date(0) }).dueAt;
}
