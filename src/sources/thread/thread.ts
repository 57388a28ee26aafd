import { TaskThread } from '../../platform/thread/task-thread.ts';
import { FetchFault, Postponed } from '../crawl/body.ts';
import { Unreadable } from '../crawl/decode.ts';
import type { Kind, Question, Readers, Reading } from './readers.ts';

/**
 * External input is parsed in a thread of its own, one input after the other: no input can block the rest of the
 * program, and every parse ends (docs/adr/0016).
 */

/** CPU time for one page, file, feed, sitemap or robots.txt; a page takes some ten milliseconds. */
export const READING_MS = 2_000;

/**
 * A parse was aborted. It says nothing about the next attempt, so unlike {@link Unreadable} it is not remembered. A
 * host that causes it repeatedly is skipped, like one that does not respond.
 */
export class Overdue extends FetchFault {}

const thread = new TaskThread<Question>({
  name: 'reading',
  body: 'reading-body',
  from: import.meta.url,
  env: {},
  // The limits on input keep it to half of that; this is for unforeseen input.
  heapMb: 512,
  limit: { cpuMs: READING_MS, wallMs: 5_000 },
  idleMs: null,
  overdue: (exceeded) => {
    const reason =
      'seconds' in exceeded
        ? `could not be read within ${exceeded.seconds} seconds`
        : `could not be read in ${exceeded.megabytes} MB of memory`;
    return new Overdue(`${reason}; make it shorter, and nest it less`);
  },
  stopped: () => new Postponed(),
});

/**
 * Parses an input in the thread; the first call starts the thread.
 *
 * @throws Unreadable with the reason; Overdue when it takes too long; Postponed when the program stops; an AppError of
 *   the parser.
 */
export async function read<K extends Kind>(
  kind: K,
  ...input: Parameters<Readers[K]>
): Promise<ReturnType<Readers[K]>> {
  const reading = (await thread.run({ kind, input })) as Reading;
  if ('unreadable' in reading) throw new Unreadable(reading.unreadable);
  return reading.value as ReturnType<Readers[K]>;
}

/** Ends the thread, if there is one. */
export function stopReading(): Promise<void> {
  return thread.stop();
}
