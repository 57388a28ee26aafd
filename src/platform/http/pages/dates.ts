const format = new Intl.DateTimeFormat('en', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** A moment as a day: "24 November 2026". */
export function day(at: Date): string {
  return longDate(at.toISOString()).replace(/^\w+, /, '');
}

/** "2026-11-24" as the mail prints it: "Tuesday, 24 November 2026". */
export function longDate(date: string): string {
  const parts = Object.fromEntries(
    format.formatToParts(new Date(date)).map(({ type, value }) => [type, value]),
  );
  return `${parts.weekday}, ${parts.day} ${parts.month} ${parts.year}`;
}
