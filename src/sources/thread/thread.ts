import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../platform/errors.ts';
import { FetchFault, Postponed } from '../crawl/body.ts';
import { Unreadable } from '../crawl/decode.ts';
import type { Answer, Kind, Question, Readers } from './readers.ts';

/**
 * What comes from outside is taken apart in a thread of its own, one thing after the other: whatever it is, it
 * stops nobody else, and it ends (docs/adr/0016).
 */

/** Computing time for one page, file, feed, sitemap or robots.txt; a page takes some ten milliseconds. */
export const READING_MS = 2_000;

/** The same by the clock, for a machine that has no time for us. */
const LONGEST_MS = 5_000;

/**
 * Heap of the thread. The limits on what is read keep it to half of that: one that runs out of memory may take the process
 * with it (Node 24), so this is for what nobody thought of.
 */
const HEAP_MB = 512;

/**
 * Reading was broken off. It says nothing about the next attempt, so unlike {@link Unreadable} it is not remembered; and
 * a host that does it again and again is left alone, as one that does not answer.
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
  /** What is being read, and how to stop looking at the clock. */
  #current: (Task & { done: () => void }) | null = null;

  ask(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#next();
    });
  }

  /** What is in hand is put off. Whoever asks again starts it again. */
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
      // It needs none of our secrets.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const ended = (error: Error) => {
      if (worker !== this.#worker) return;
      const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (isFull) return this.#cut(`could not be read in ${HEAP_MB} MB of memory`);
      this.#drop();
      // It cannot so much as start: whoever waits would wait for ever.
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
 * Calls `late` when {@link READING_MS} of this process's computing time are over. Other threads count too, so this
 * is never later than it should be by the thread's own time, and never earlier by the clock.
 * @returns how to end it.
 */
function watch(late: () => void): () => void {
  const began = performance.now();
  const before = process.cpuUsage();
  let isOver = false;
  let timer: NodeJS.Timeout;
  const look = () => {
    const { user, system } = process.cpuUsage(before);
    const left = Math.min(READING_MS - (user + system) / 1_000, LONGEST_MS - (performance.now() - began));
    if (left > 0) timer = setTimeout(look, Math.max(20, left));
    // Where this thread itself was held up, the answer may be there already.
    else setImmediate(() => isOver || late());
  };
  timer = setTimeout(look, READING_MS);
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

/** The file of the thread. In a checkout it is TypeScript, which tsx reads; Node 20 does that to no thread unasked. */
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
 * Reads something in the thread, which is started by the first who asks.
 *
 * @throws Unreadable with the reason; Overdue where it would take too long; Postponed where the program stops; AppError
 * what the reader of that kind throws.
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
