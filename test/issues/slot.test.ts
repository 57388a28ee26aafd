import fc from 'fast-check';
import { DateTime, IANAZone } from 'luxon';
import { describe, expect, it } from 'vitest';
import {
  draftAt,
  dueSlot,
  formatMoment,
  lateness,
  movableUntil,
  nextSlot,
  parseDuration,
  parseMoment,
  parseSchedule,
  type Schedule,
  type Slot,
  slotAtOrBefore,
  slotsBetween,
  slotsToDraft,
} from '../../src/issues/slot.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** Every kind of clock: 30 and 120 minute changes, midnight changes, a skipped day, Ramadan, none. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Antarctica/Troll',
];

const schedules: fc.Arbitrary<Schedule> = fc.record({
  weekday: fc.integer({ min: 1, max: 7 }),
  hour: fc.oneof(fc.constantFrom(0, 1, 2, 23), fc.integer({ min: 0, max: 23 })),
  minute: fc.oneof(fc.constantFrom(0, 30, 59), fc.integer({ min: 0, max: 59 })),
  zone: fc.constantFrom(...ZONES),
});

/** From before Apia skipped a day (2011) and Sao Paulo gave up clock changes (2019) to well past today. */
const starts = fc
  .integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2030, 0, 1) })
  .map((time) => new Date(time));

const at = (iso: string) => new Date(iso);
const tuesday = (zone: string) => parseSchedule('Tue 09:00', zone);

describe('parseSchedule', () => {
  it.each([
    ['Tue 09:00', { weekday: 2, hour: 9, minute: 0 }],
    ['tuesday 9:00', { weekday: 2, hour: 9, minute: 0 }],
    ['THURS 23:59', { weekday: 4, hour: 23, minute: 59 }],
    ['  sun   00:00 ', { weekday: 7, hour: 0, minute: 0 }],
  ])('reads %j', (text, expected) => {
    expect(parseSchedule(text, 'Europe/Berlin')).toEqual({ ...expected, zone: 'Europe/Berlin' });
  });

  it.each([
    '',
    'Tue',
    '09:00',
    'Tu 09:00',
    'Tux 09:00',
    'Tue 24:00',
    'Tue 09:60',
    'Tue 9',
    'Tue 09:00 UTC',
    '0 9 * * 2',
  ])('refuses %j and says what is expected', (text) => {
    expect(() => parseSchedule(text, 'UTC')).toThrowError(
      expect.objectContaining({ code: 'bad-schedule', help: expect.stringContaining('Tue 09:00') }),
    );
  });

  it.each(['', 'Berlin', 'Europe/Atlantis', '+02:00', 'local'])('refuses the zone %j', (zone) => {
    expect(() => parseSchedule('Tue 09:00', zone)).toThrowError(
      expect.objectContaining({ code: 'bad-timezone', help: expect.stringContaining('Europe/Berlin') }),
    );
  });
});

describe('parseDuration', () => {
  it.each([
    ['90m', 90 * 60_000],
    ['24h', DAY],
    ['2D', 2 * DAY],
    [' 0h ', 0],
  ])('reads %j', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '24', 'h', '1.5h', '-1h', '1w', '1h30m'])('refuses %j and says what is expected', (text) => {
    expect(() => parseDuration(text)).toThrowError(
      expect.objectContaining({ code: 'bad-duration', help: expect.stringContaining('24h') }),
    );
  });
});

describe('a slot', () => {
  it('is named by its local date and due at its local hour', () => {
    expect(slotAtOrBefore(tuesday('Europe/Berlin'), at('2026-11-24T08:00:00Z'))).toEqual({
      key: '2026-11-24',
      label: '2026-11-24T09:00[Europe/Berlin]',
      dueAt: at('2026-11-24T08:00:00Z'),
    });
    expect(slotAtOrBefore(tuesday('Europe/Berlin'), at('2026-11-24T07:59:59.999Z')).key).toBe('2026-11-17');
  });

  it('stays in the past when the clocks go back over midnight into yesterday', () => {
    // St John's, 2010: at 00:01 on the 7th the clocks went back to 23:01 on the 6th.
    const midnight = parseSchedule('Sun 00:00', 'America/St_Johns');
    expect(slotAtOrBefore(midnight, at('2010-11-07T02:40:00Z'))).toMatchObject({
      key: '2010-11-07',
      dueAt: at('2010-11-07T02:30:00Z'),
    });
  });

  it.each([
    // what, schedule, zone, a moment just before, key, due
    [
      'spring gap',
      'Sun 02:30',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      '2026-03-29',
      '2026-03-29T01:00:00Z',
    ],
    [
      'autumn, first of two',
      'Sun 02:30',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      '2026-10-25',
      '2026-10-25T00:30:00Z',
    ],
    [
      'autumn, the hour it falls from',
      'Sun 03:00',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      '2026-10-25',
      '2026-10-25T02:00:00Z',
    ],
    [
      'New York gap',
      'Sun 02:30',
      'America/New_York',
      '2026-03-07T12:00:00Z',
      '2026-03-08',
      '2026-03-08T07:00:00Z',
    ],
    [
      'half-hour gap',
      'Sun 02:15',
      'Australia/Lord_Howe',
      '2026-10-03T12:00:00Z',
      '2026-10-04',
      '2026-10-03T15:30:00Z',
    ],
    [
      'two-hour gap',
      'Sun 02:30',
      'Antarctica/Troll',
      '2026-03-28T12:00:00Z',
      '2026-03-29',
      '2026-03-29T01:00:00Z',
    ],
    [
      'midnight gap',
      'Sun 00:00',
      'America/Sao_Paulo',
      '2018-11-03T12:00:00Z',
      '2018-11-04',
      '2018-11-04T03:00:00Z',
    ],
    [
      'midnight twice',
      'Sat 23:30',
      'America/Sao_Paulo',
      '2018-02-17T12:00:00Z',
      '2018-02-17',
      '2018-02-18T01:30:00Z',
    ],
    [
      'a day that never was',
      'Fri 09:00',
      'Pacific/Apia',
      '2011-12-29T00:00:00Z',
      '2011-12-30',
      '2011-12-30T10:00:00Z',
    ],
    [
      'Ramadan',
      'Sun 02:30',
      'Africa/Casablanca',
      '2024-03-09T12:00:00Z',
      '2024-03-10',
      '2024-03-10T01:30:00Z',
    ],
    ['leap day', 'Thu 09:00', 'Asia/Kolkata', '2024-02-28T12:00:00Z', '2024-02-29', '2024-02-29T03:30:00Z'],
    ['year end', 'Thu 23:59', 'Europe/Berlin', '2026-12-31T12:00:00Z', '2026-12-31', '2026-12-31T22:59:00Z'],
  ])('%s: %s %s', (_what, schedule, zone, before, key, due) => {
    expect(nextSlot(parseSchedule(schedule, zone), at(before))).toMatchObject({ key, dueAt: at(due) });
  });

  it('fault 14: shows its local time, or the first that exists after it, and no earlier instant would do', () => {
    const onTheDay = fc.record({
      change: fc.constantFrom(...clockChanges()),
      hour: fc.constantFrom(0, 1, 2, 3, 4, 23),
      minute: fc.constantFrom(0, 15, 30, 59),
      day: fc.integer({ min: -1, max: 1 }),
    });
    fc.assert(
      fc.property(onTheDay, ({ change, hour, minute, day }) => {
        const weekday = DateTime.fromMillis(change.time, { zone: change.zone }).plus({ days: day }).weekday;
        const now = new Date(change.time - 3 * DAY);
        const { key, dueAt } = nextSlot({ weekday, hour, minute, zone: change.zone }, now);
        const wanted = `${key}T${two(hour)}:${two(minute)}`;
        // An independent calculation of the local time.
        const shown = (time: number) =>
          DateTime.fromMillis(time, { zone: change.zone }).toFormat("yyyy-MM-dd'T'HH:mm");
        expect(DateTime.fromISO(key).weekday).toBe(weekday);
        expect(shown(dueAt.getTime()) >= wanted).toBe(true);
        expect(shown(dueAt.getTime() - 1) < wanted).toBe(true);
        for (let quarter = 1; quarter <= 3 * 4; quarter++) {
          expect(shown(dueAt.getTime() - quarter * 15 * 60_000) < wanted).toBe(true);
        }
        const exists = DateTime.fromISO(wanted, { zone: change.zone });
        if (shown(exists.toMillis()) === wanted) expect(shown(dueAt.getTime())).toBe(wanted);
      }),
      { numRuns: 200 },
    );
  });
});

describe('ten years of weeks', () => {
  it('fault 14: come one after the other, seven local days apart, in every zone', () => {
    fc.assert(
      fc.property(schedules, starts, (schedule, from) => {
        const slots = slotsBetween(schedule, from, new Date(from.getTime() + 10 * 365.25 * DAY));
        expect(Math.abs(slots.length - 522)).toBeLessThanOrEqual(1);
        for (const [index, slot] of slots.entries()) {
          const previous = slots[index - 1];
          if (!previous) continue;
          expect(Date.parse(slot.key) - Date.parse(previous.key)).toBe(WEEK);
          expect(slot.dueAt > previous.dueAt).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are the same by every function', () => {
    fc.assert(
      fc.property(schedules, starts, (schedule, now) => {
        const last = slotAtOrBefore(schedule, now);
        const next = nextSlot(schedule, now);
        expect(last.dueAt <= now && now < next.dueAt).toBe(true);
        expect(slotAtOrBefore(schedule, next.dueAt)).toEqual(next);
        expect(slotAtOrBefore(schedule, new Date(next.dueAt.getTime() - 1))).toEqual(last);
        expect(nextSlot(schedule, last.dueAt)).toEqual(next);
        expect(slotsBetween(schedule, last.dueAt, next.dueAt)).toEqual([next]);
      }),
    );
  });
});

describe('a scheduler', () => {
  /** Stands for the database: a slot's key is unique, and its second insert is refused. */
  function table() {
    const rows = new Map<string, Slot>();
    return { rows, insert: (slot: Slot) => (rows.has(slot.key) ? false : Boolean(rows.set(slot.key, slot))) };
  }
  const expected = (schedule: Schedule, from: Date, to: Date) =>
    slotsBetween(schedule, from, to).map((slot) => slot.key);

  it('fault 15: that ticks irregularly, twice and with restarts, creates each slot once', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 6 * DAY }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(schedules, starts, steps, steps, (schedule, since, first, second) => {
        const { rows, insert } = table();
        // Two schedulers without memory: every tick is like one after a restart.
        const ticks = [first, second]
          .flatMap((intervals) => {
            let time = since.getTime();
            return intervals.map((step) => {
              time += step;
              return time;
            });
          })
          .sort((a, b) => a - b);
        for (const tick of ticks) {
          const due = dueSlot(schedule, new Date(tick), { since });
          if (due) insert(due.slot);
        }
        const end = new Date(Math.max(...ticks));
        expect([...rows.keys()]).toEqual(expected(schedule, since, end));
      }),
      { numRuns: 200 },
    );
  });

  it('that was down for weeks finds every missed slot', () => {
    const naps = fc.array(fc.integer({ min: HOUR, max: 60 * DAY }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(schedules, starts, naps, (schedule, since, intervals) => {
        const { rows, insert } = table();
        let now = since;
        for (const interval of intervals) {
          now = new Date(now.getTime() + interval);
          const last = [...rows.values()].at(-1)?.dueAt ?? since;
          for (const slot of slotsBetween(schedule, last, now)) expect(insert(slot)).toBe(true);
        }
        expect([...rows.keys()]).toEqual(expected(schedule, since, now));
      }),
    );
  });

  it('leaves a slot missed by more than twelve hours to a person', () => {
    const schedule = tuesday('UTC');
    const due = Date.UTC(2026, 10, 24, 9);
    const kind = (hours: number) => dueSlot(schedule, new Date(due + hours * HOUR))?.kind;
    expect([kind(0), kind(12), kind(12.001), kind(6 * 24)]).toEqual(['due', 'due', 'missed', 'missed']);
    expect(lateness(slotAtOrBefore(schedule, new Date(due)), new Date(due + 13 * HOUR))).toBe('missed');
  });

  it('creates no slot from before the installation', () => {
    const schedule = tuesday('UTC');
    const since = at('2026-11-24T09:00:01Z');
    expect(dueSlot(schedule, at('2026-11-24T10:00:00Z'), { since })).toBeNull();
    expect(dueSlot(schedule, at('2026-12-01T10:00:00Z'), { since })?.slot.key).toBe('2026-12-01');
  });
});

describe('the draft', () => {
  it('is made REVIEW_LEAD before the slot, by hours and not by local days', () => {
    // Clocks go back in the night between: 24 hours before 09:00 is 10:00 the day before.
    const slot = nextSlot(parseSchedule('Sun 09:00', 'Europe/Berlin'), at('2026-10-20T00:00:00Z'));
    expect(draftAt(slot, parseDuration('24h'))).toEqual(at('2026-10-24T08:00:00Z'));
  });

  it('is due from its time until the slot is due', () => {
    fc.assert(
      fc.property(schedules, starts, fc.integer({ min: 0, max: 6 * DAY }), (schedule, now, lead) => {
        const next = nextSlot(schedule, now);
        expect(slotsToDraft(schedule, now, lead)).toEqual(draftAt(next, lead) <= now ? [next] : []);
      }),
    );
  });
});

const two = (value: number) => String(value).padStart(2, '0');

/** Every change of the clocks of {@link ZONES} in the years tested, to the day. */
function clockChanges(): { zone: string; time: number }[] {
  return ZONES.flatMap((zone) => {
    const offset = (time: number) => IANAZone.create(zone).offset(time);
    const changes: { zone: string; time: number }[] = [];
    for (let time = Date.UTC(2005, 0, 1); time < Date.UTC(2031, 0, 1); time += WEEK) {
      const days = Array.from({ length: 7 }, (_, day) => time + day * DAY);
      if (offset(time) === offset(time + WEEK)) continue;
      changes.push(
        ...days.filter((day) => offset(day) !== offset(day + DAY)).map((day) => ({ zone, time: day })),
      );
    }
    return changes;
  });
}

describe('a moment', () => {
  it('B26: is read as a local time, and printed as one', () => {
    expect(parseMoment('2027-01-06 9:00', 'Europe/Berlin')).toEqual(new Date('2027-01-06T08:00:00Z'));
    expect(parseMoment('2027-07-06T09:00', 'Europe/Berlin')).toEqual(new Date('2027-07-06T07:00:00Z'));
    expect(formatMoment(new Date('2027-07-06T07:00:00Z'), 'Europe/Berlin')).toBe('2027-07-06T09:00');
    // In the gap of spring it is the first instant that exists.
    expect(parseMoment('2027-03-28 02:30', 'Europe/Berlin')).toEqual(new Date('2027-03-28T01:00:00Z'));
    for (const text of ['', 'tomorrow', '2027-13-01 09:00', '2027-01-06 25:00', '2027-01-06'])
      expect(() => parseMoment(text, 'UTC')).toThrow(/is not a date and a time/);
  });

  it('B26: an issue can be moved until the next slot', () => {
    const schedule = parseSchedule('Tue 09:00', 'Europe/Berlin');
    expect(movableUntil(schedule, '2027-03-23')).toEqual(new Date('2027-03-30T07:00:00Z'));
  });
});
