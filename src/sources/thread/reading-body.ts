import { serveTasks } from '../../platform/thread/thread-body.ts';
import { Unreadable } from '../crawl/decode.ts';
import { TooIntricate } from '../parse/markup-limits.ts';
import { type Question, READERS, type Reading } from './readers.ts';

/** Body of the thread that `thread.ts` starts. */

serveTasks(({ kind, input }: Question): Reading => {
  try {
    const read = READERS[kind] as (...input: unknown[]) => unknown;
    return { value: read(...input) };
  } catch (error) {
    if (error instanceof Unreadable || error instanceof TooIntricate) return { unreadable: error.message };
    // Stack overflow, by recursion over each level of the input.
    if (error instanceof RangeError) return { unreadable: 'is nested too deeply' };
    throw error;
  }
});
