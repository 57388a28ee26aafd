import { parentPort } from 'node:worker_threads';
import { AppError } from '../../platform/errors.ts';
import { Unreadable } from '../crawl/decode.ts';
import { TooIntricate } from '../parse/markup-limits.ts';
import { type Answer, type Question, READERS } from './readers.ts';

/**
 * Body of the thread that `thread.ts` starts: it reports that it is ready, then answers one message after the other.
 */

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage('ready');

function answerTo({ kind, input }: Question): Answer {
  try {
    const read = READERS[kind] as (...input: unknown[]) => unknown;
    return { outcome: 'read', value: read(...input) };
  } catch (error) {
    if (error instanceof AppError) {
      const { code, message, help, context } = error;
      return { outcome: 'refused', code, message, help, context };
    }
    if (error instanceof Unreadable || error instanceof TooIntricate)
      return { outcome: 'unreadable', reason: error.message };
    // Stack overflow, by recursion over each level of the input.
    if (error instanceof RangeError) return { outcome: 'unreadable', reason: 'is nested too deeply' };
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { outcome: 'broken', message, stack };
  }
}
