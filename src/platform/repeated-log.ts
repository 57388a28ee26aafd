/** How often a line about the same reason is written. */
export const REPEAT_MS = 60_000;

/** More reasons than that at once are taken for one. */
const MOST_REASONS = 100;

/**
 * Writes the first error of each reason at once, and then one line a minute with their number: a fault that repeats a
 * thousand times a second must not fill the disk too.
 * @param write gets how many errors of this reason there were since the last line, with this one.
 */
export function logRepeated(
  write: (error: Error, times: number) => void,
  now: () => number = () => performance.now(),
): (error: Error) => void {
  const reasons = new Map<string, { at: number; times: number }>();
  return (error) => {
    const text = reasonOf(error);
    const reason = reasons.has(text) || reasons.size < MOST_REASONS ? text : '';
    const known = reasons.get(reason);
    if (known !== undefined && now() - known.at < REPEAT_MS) {
      known.times += 1;
      return;
    }
    write(error, (known?.times ?? 0) + 1);
    reasons.set(reason, { at: now(), times: 0 });
  };
}

/** The message without what differs from one error to the next: ids and numbers. */
function reasonOf({ message }: Error): string {
  return message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|f_[0-9a-f]{40}|[0-9a-f]{40}|\d+/gi, '#').slice(0, 200);
}
