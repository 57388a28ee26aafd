import { describe } from 'vitest';
import { benchForAll, type QueueBackend } from '../helpers/queues.ts';
import { describeJobs } from './queue-jobs.ts';
import { describePace } from './queue-pace.ts';
import { describeSchedulers } from './queue-schedulers.ts';

/** The same rules for jobs, on either backend. */
export function describeQueue(name: string, newBackend: () => Promise<QueueBackend>): void {
  describe(name, () => {
    const bench = benchForAll(newBackend);
    describeJobs(bench);
    describePace(bench);
    describeSchedulers(bench);
  });
}
