import { parentPort } from 'node:worker_threads';
import { AppError } from '../errors.ts';

/** What a thread answers to a task. Errors lose their class between threads, so their parts are sent. */
export type Answer =
  | { outcome: 'done'; value: unknown }
  | {
      outcome: 'refused';
      code: string;
      message: string;
      help: string | undefined;
      context: Record<string, unknown>;
    }
  | { outcome: 'broken'; message: string; stack: string | undefined };

/** The body of a `TaskThread`: reports that it is ready, then answers one task after the other. */
export function serveTasks<Task>(work: (task: Task) => unknown): void {
  parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await answerTo(task, work)));
  parentPort?.postMessage('ready');
}

async function answerTo<Task>(task: Task, work: (task: Task) => unknown): Promise<Answer> {
  try {
    return { outcome: 'done', value: await work(task) };
  } catch (error) {
    if (error instanceof AppError) {
      const { code, message, help, context } = error;
      return { outcome: 'refused', code, message, help, context };
    }
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { outcome: 'broken', message, stack };
  }
}
