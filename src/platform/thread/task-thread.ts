import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import type { Answer } from './thread-body.ts';

/**
 * A thread that does one task after the other, so that none of them blocks the rest of the program, and each of them
 * ends. It starts with the first task, keeps no process alive, and starts again after a failure.
 */

export interface ThreadOptions {
  /** For messages: "reading". */
  name: string;
  /** The module of the body, without its extension, relative to `from`; it calls `serveTasks`. */
  body: string;
  /** `import.meta.url` of the caller. */
  from: string;
  env: Record<string, string>;
  /**
   * Heap of the thread. Tasks have to stay well below, because a thread that runs out of memory may end the whole
   * process (Node 24).
   */
  heapMb: number;
  /** CPU time of one task; `wallMs` is for a machine that is too busy to run us. */
  limit: { cpuMs: number; wallMs: number };
  /** The thread ends when it had nothing to do for this long; null: never. */
  idleMs: number | null;
  /** The error of a task that was aborted: "could not be read within 2 seconds". */
  overdue(exceeded: { seconds: number } | { megabytes: number }): Error;
  /** The error of a task that was not done because the program stops. */
  stopped(): Error;
}

interface Pending<Task> {
  task: Task;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export class TaskThread<Task> {
  readonly #options: ThreadOptions;
  readonly #waiting: Pending<Task>[] = [];
  #worker: Worker | null = null;
  #isReady = false;
  /** The running task, and how to end its time limit. */
  #current: (Pending<Task> & { endWatch: () => void }) | null = null;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** @throws what `overdue` and `stopped` make; the AppError or the Error of the body. */
  run(task: Task): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  /**
   * Rejects the running and the waiting tasks; the next caller starts the thread again. An idle thread goes on: it
   * keeps no process alive, and starting another takes seconds.
   */
  async stop(): Promise<void> {
    if (this.#isReady && this.#current === null) return;
    const worker = this.#worker;
    this.#drop();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#options.stopped());
    this.#finish(({ reject }) => reject(this.#options.stopped()));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#current !== null) return;
    clearTimeout(this.#idle);
    const [pending] = this.#waiting;
    if (pending === undefined) return void this.#rest();
    this.#worker ??= this.#start();
    this.#worker.ref();
    if (!this.#isReady) return;
    this.#waiting.shift();
    const { cpuMs } = this.#options.limit;
    const endWatch = watch(this.#options.limit, () => this.#abort({ seconds: cpuMs / 1_000 }));
    this.#current = { ...pending, endWatch };
    this.#worker.postMessage(pending.task);
  }

  #rest(): void {
    const worker = this.#worker;
    worker?.unref();
    const { idleMs } = this.#options;
    if (worker === null || idleMs === null) return;
    this.#idle = setTimeout(() => {
      this.#drop();
      void worker.terminate();
    }, idleMs).unref();
  }

  #start(): Worker {
    const { body, from, env, heapMb, name } = this.#options;
    const worker = new Worker(entry(body, from), {
      // It needs none of our secrets.
      env,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    const ended = (error: Error) => {
      if (worker !== this.#worker) return;
      const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (isFull) return this.#abort({ megabytes: heapMb });
      this.#drop();
      // The thread cannot start: reject the waiting tasks, which would otherwise wait for ever.
      for (const { reject } of this.#waiting.splice(0)) reject(error);
      this.#finish(({ reject }) => reject(error));
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`the ${name} thread ended with ${code}`)));
    worker.on('message', (answer: Answer | 'ready') => {
      if (worker !== this.#worker) return;
      if (answer === 'ready') {
        this.#isReady = true;
        this.#next();
      } else this.#finish((pending) => settle(pending, answer));
    });
    return worker;
  }

  #abort(exceeded: Parameters<ThreadOptions['overdue']>[0]): void {
    const worker = this.#worker;
    this.#drop();
    void worker?.terminate();
    this.#finish(({ reject }) => reject(this.#options.overdue(exceeded)));
  }

  #drop(): void {
    this.#worker = null;
    this.#isReady = false;
  }

  #finish(how: (pending: Pending<Task>) => void): void {
    const task = this.#current;
    this.#current = null;
    task?.endWatch();
    if (task !== null) how(task);
    this.#next();
  }
}

/**
 * Calls `late` after `cpuMs` of this process's CPU time. Other threads count too, so that this is never later than by
 * the thread's own CPU time, and never earlier than by the clock.
 * @returns how to end it.
 */
function watch({ cpuMs, wallMs }: ThreadOptions['limit'], late: () => void): () => void {
  const began = performance.now();
  const before = process.cpuUsage();
  let isOver = false;
  let timer: NodeJS.Timeout;
  const check = () => {
    const { user, system } = process.cpuUsage(before);
    const left = Math.min(cpuMs - (user + system) / 1_000, wallMs - (performance.now() - began));
    if (left > 0) timer = setTimeout(check, Math.max(20, left));
    // When this thread was blocked itself, the answer may already be here.
    else setImmediate(() => isOver || late());
  };
  timer = setTimeout(check, cpuMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

function settle({ resolve, reject }: Pending<unknown>, answer: Answer): void {
  if (answer.outcome === 'done') resolve(answer.value);
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
function entry(body: string, from: string): URL {
  if (!from.endsWith('.ts')) return new URL(`${body}.js`, from);
  const tsx = new URL('esm/api/index.mjs', pathToFileURL(createRequire(from).resolve('tsx')));
  const code = `import { register } from '${tsx}'; register(); await import('${new URL(`${body}.ts`, from)}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
