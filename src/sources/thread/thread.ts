import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../platform/errors.ts';
import { FetchFault, Postponed } from '../crawl/body.ts';
import { Unreadable } from '../crawl/decode.ts';
import type { Answer, Kind, Question, Readers } from './readers.ts';

/**
 * External input is parsed in a thread of its own, one input after the other: no input can block the rest of the
 * program, and every parse ends (docs/adr/0016).
 */

/** CPU time for one page, file, feed, sitemap or robots.txt; a page takes some ten milliseconds. */
export const READING_MS = 2_000;

/** The limit in wall-clock time, for a machine that is too busy to run us. */
const LONGEST_MS = 5_000;

/**
 * Heap of the thread. The limits on input keep it to half of that; this is for unforeseen input, because a thread that
 * runs out of memory may end the whole process (Node 24).
 */
const HEAP_MB = 512;

/**
 * A parse was aborted. It says nothing about the next attempt, so unlike {@link Unreadable} it is not remembered. A
 * host that causes it repeatedly is skipped, like one that does not respond.
 */
export class Overdue extends FetchFault {}

interface Task {
  question: Question;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

class ReadingThread {
  readonly #waiting: Task[] = [];
  #worker: Worker | null = null;
  #isReady = false;
  /** The running task, and how to end its time limit. */
  #current: (Task & { done: () => void }) | null = null;

  ask(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#next();
    });
  }

  /** Postpones the running task; the next caller starts the thread again. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#drop();
    for (const { reject } of this.#waiting.splice(0)) reject(new Postponed());
    this.#finish((task) => task.reject(new Postponed()));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#current !== null) return;
    const [task] = this.#waiting;
    if (task === undefined) return void this.#worker?.unref();
    this.#worker ??= this.#start();
    this.#worker.ref();
    if (!this.#isReady) return;
    this.#waiting.shift();
    this.#current = {
      ...task,
      done: watch(() => this.#cut(`could not be read within ${READING_MS / 1_000} seconds`)),
    };
    this.#worker.postMessage(task.question);
  }

  #start(): Worker {
    const worker = new Worker(entry(), {
      // The thread needs none of our secrets.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const ended = (error: Error) => {
      if (worker !== this.#worker) return;
      const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (isFull) return this.#cut(`could not be read in ${HEAP_MB} MB of memory`);
      this.#drop();
      // The thread cannot start: reject the waiting tasks, which would otherwise wait for ever.
      for (const { reject } of this.#waiting.splice(0)) reject(error);
      this.#finish((task) => task.reject(error));
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`the reading thread ended with ${code}`)));
    worker.on('message', (answer: Answer | 'ready') => {
      if (worker !== this.#worker) return;
      if (answer === 'ready') {
        this.#isReady = true;
        this.#next();
      } else this.#finish((task) => settle(task, answer));
    });
    return worker;
  }

  #cut(reason: string): void {
    const worker = this.#worker;
    this.#drop();
    void worker?.terminate();
    this.#finish(({ reject }) => reject(new Overdue(`${reason}; make it shorter, and nest it less`)));
  }

  #drop(): void {
    this.#worker = null;
    this.#isReady = false;
  }

  #finish(how: (task: Task) => void): void {
    const task = this.#current;
    this.#current = null;
    task?.done();
    if (task !== null) how(task);
    this.#next();
  }
}

/**
 * Calls `late` after {@link READING_MS} of this process's CPU time. Other threads count too, so that this is never
 * later than by the thread's own CPU time, and never earlier than by the clock.
 * @returns how to end it.
 */
function watch(late: () => void): () => void {
  const began = performance.now();
  const before = process.cpuUsage();
  let isOver = false;
  let timer: NodeJS.Timeout;
  const check = () => {
    const { user, system } = process.cpuUsage(before);
    const left = Math.min(READING_MS - (user + system) / 1_000, LONGEST_MS - (performance.now() - began));
    if (left > 0) timer = setTimeout(check, Math.max(20, left));
    // When this thread was blocked itself, the answer may already be here.
    else setImmediate(() => isOver || late());
  };
  timer = setTimeout(check, READING_MS);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

function settle({ resolve, reject }: Task, answer: Answer): void {
  if (answer.outcome === 'read') resolve(answer.value);
  else if (answer.outcome === 'unreadable') reject(new Unreadable(answer.reason));
  else if (answer.outcome === 'broken') reject(new Error(answer.message, { cause: answer.stack }));
  else {
    const { code, message, help, context } = answer;
    reject(new AppError(code, message, { ...(help === undefined ? {} : { help }), context }));
  }
}

/**
 * The file of the thread. In a checkout it is TypeScript, which tsx loads; Node 20 does not do that for a thread by
 * itself.
 */
function entry(): URL {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return new URL('thread-body.js', here);
  const tsx = new URL('esm/api/index.mjs', pathToFileURL(createRequire(here).resolve('tsx')));
  const body = new URL('thread-body.ts', here);
  const code = `import { register } from '${tsx}'; register(); await import('${body}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

const thread = new ReadingThread();

/**
 * Parses an input in the thread; the first call starts the thread.
 *
 * @throws Unreadable with the reason; Overdue when it takes too long; Postponed when the program stops; an AppError of
 *   the parser.
 */
export function read<K extends Kind>(
  kind: K,
  ...input: Parameters<Readers[K]>
): Promise<ReturnType<Readers[K]>> {
  return thread.ask({ kind, input }) as Promise<ReturnType<Readers[K]>>;
}

/** Ends the thread, if there is one. */
export function stopReading(): Promise<void> {
  return thread.stop();
}
