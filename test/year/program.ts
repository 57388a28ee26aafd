import { setTimeout as sleep } from 'node:timers/promises';
import type { InjectOptions } from 'fastify';
import { type Logger, pino } from 'pino';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { publicServer } from '../../src/app/public-server.ts';
import { work } from '../../src/cli/open-app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Mailer } from '../../src/providers/port.ts';

/**
 * The real program: its app, its web server and its queue workers. The scheduled jobs are not scheduled; the year runs
 * their processors at the moments that matter.
 */
export interface Program extends AsyncDisposable {
  readonly app: App;
  request(options: InjectOptions): Promise<{ statusCode: number; body: string }>;
  /** Runs a scheduled job. */
  run(job: HourlyJob): Promise<void>;
  /** Waits until the workers have nothing to do. @returns false when jobs were still waiting after `ms`. */
  settle(ms: number): Promise<boolean>;
  /**
   * Ends the workers when their jobs in hand are done, until `startWorkers`. They wait in real time for a provider that
   * does not respond, and time must not jump while a job is in hand.
   */
  stopWorkers(): Promise<void>;
  startWorkers(): Promise<void>;
}

/** The jobs without a payload that a year runs. */
export type HourlyJob = 'gather' | 'reconcile' | 'retention';

export interface ProgramOptions {
  env: Record<string, string>;
  /** Undefined: the one that the settings name. */
  mailer: Mailer | undefined;
  /** Lines of the program's log of level error. */
  onError(line: string): void;
}

/** Every domain of the readers takes mail. */
const DNS = {
  resolveMx: async () => [{ exchange: 'mx.readers.example' }],
  resolve4: async () => [],
  resolve6: async () => [],
};

export async function startProgram({ env, mailer, onError }: ProgramOptions): Promise<Program> {
  const { config, secrets } = loadConfig(env);
  const app = await createApp(config, secrets, {
    ...(mailer === undefined ? {} : { mailer }),
    dns: DNS,
    logger: errorsOnly(onError),
  });
  const server = await publicServer(app, secrets);
  let workers: AsyncDisposable | null = await work(app);
  const jobs = processors(app);

  const isIdle = async (): Promise<boolean> => {
    for (const queue of app.queue.raw) {
      const counts = await queue.getJobCounts('active', 'wait', 'delayed', 'prioritized');
      if (Object.values(counts).some((count) => count > 0)) return false;
    }
    return true;
  };

  return {
    app,
    request: (options) => server.inject(options),
    run: (job) => jobs[job]({}),
    async settle(ms) {
      // Two looks: a job that has just ended may have enqueued the next.
      for (let waited = 0, looks = 0; waited < ms; waited += 15) {
        looks = (await isIdle()) ? looks + 1 : 0;
        if (looks === 2) return true;
        await sleep(looks === 0 ? 15 : 2);
      }
      return false;
    },
    async stopWorkers() {
      await workers?.[Symbol.asyncDispose]();
      workers = null;
    },
    async startWorkers() {
      workers ??= await work(app);
    },
    async [Symbol.asyncDispose]() {
      await workers?.[Symbol.asyncDispose]();
      await server.close();
      await app[Symbol.asyncDispose]();
    },
  };
}

function errorsOnly(onError: (line: string) => void): Logger {
  return pino({ level: 'error' }, { write: (line: string) => onError(line.trim()) });
}
