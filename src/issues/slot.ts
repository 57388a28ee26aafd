import { DateTime, IANAZone } from 'luxon';
import { AppError } from '../platform/errors.ts';

/**
 * When an issue is due. A slot is a local date and hour, for people who read at breakfast, not an
 * instant on a UTC grid; it is named by its LOCAL DATE, which the database keeps unique. So a clock
 * change, two schedulers or a restart can ask for the same slot as often as they like and still get
 * one issue (I6). Everything here is a pure function of the schedule and the `now` it is given.
 *
 * Local times that do not exist (spring gap, or the day Apia skipped) move forward to the first
 * instant that does; local times that happen twice (autumn) mean the first of the two.
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

/** `due`: the issue goes out now. `missed`: it is too late to go out unseen, a person decides. */
export interface DueSlot {
  kind: 'due' | 'missed';
  slot: Slot;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
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
  // A newer Intl also takes "+02:00", which has no clock changes and is nobody's local time.
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

/** The latest slot that is due at `now` or was due before it. */
export function slotAtOrBefore(schedule: Schedule, now: Date): Slot {
  const today = DateTime.fromJSDate(now, { zone: schedule.zone });
  const ahead = (schedule.weekday - today.weekday + 7) % 7;
  // The date on the wall, carried in UTC so that adding days never meets a clock change.
  let date = DateTime.utc(today.year, today.month, today.day).plus({ days: ahead });
  let slot = slotOn(schedule, date);
  while (slot.dueAt > now) {
    date = date.minus({ days: 7 });
    slot = slotOn(schedule, date);
  }
  return slot;
}

/** The first slot strictly after `now`. */
export function nextSlot(schedule: Schedule, now: Date): Slot {
  return weekAfter(schedule, slotAtOrBefore(schedule, now));
}

/** Every slot due after `from` and not after `to`, oldest first: what a scheduler that slept has to catch up on. */
export function slotsBetween(schedule: Schedule, from: Date, to: Date): Slot[] {
  const slots: Slot[] = [];
  for (let slot = nextSlot(schedule, from); slot.dueAt <= to; slot = weekAfter(schedule, slot)) {
    slots.push(slot);
  }
  return slots;
}

/**
 * The slot that should have an issue now, or null when the latest one was due before `since`
 * (the moment this installation began: nobody owes issues from before it).
 */
export function dueSlot(schedule: Schedule, now: Date, { since }: { since?: Date } = {}): DueSlot | null {
  const slot = slotAtOrBefore(schedule, now);
  if (since && slot.dueAt < since) return null;
  return { kind: lateness(slot, now), slot };
}

/** A slot that is later than this is missed, and its issue waits for a person. */
export const MISSED_AFTER_HOURS = 12;

/** Whether a slot, perhaps one of several from {@link slotsBetween}, may still go out by itself. */
export function lateness(slot: Pick<Slot, 'dueAt'>, now: Date): DueSlot['kind'] {
  return now.getTime() - slot.dueAt.getTime() > MISSED_AFTER_HOURS * HOUR ? 'missed' : 'due';
}

/** When the draft of a slot's issue is made: `REVIEW_LEAD` before the slot. */
export function draftAt(slot: Slot, reviewLeadMs: number): Date {
  return new Date(slot.dueAt.getTime() - reviewLeadMs);
}

/** Slots still ahead whose draft should exist at `now`; one at most while the lead is under a week. */
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
 * The first instant at which clocks in `zone` show `wall` (local time, written as if it were UTC) or,
 * in a gap, the instant at which they jump over it. Luxon alone would push 02:30 to 03:30 and leaves
 * open which of two 02:30 it means.
 */
function firstInstant(wall: number, zoneName: string): number {
  const zone = IANAZone.create(zoneName);
  const shown = (instant: number) => instant + zone.offset(instant) * MINUTE;
  // No zone was ever 16 hours from UTC, and none changes its clocks twice in the 32 between.
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
