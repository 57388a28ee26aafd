import { describe } from 'vitest';
import { benchForAll, type QueueHome } from '../helpers/queues.ts';
import { describeJobs } from './queue-jobs.ts';
import { describePace } from './queue-pace.ts';
import { describeSchedulers } from './queue-schedulers.ts';

/** The same rules for jobs, on either backend. */
export function describeQueue(name: string, newHome: () => Promise<QueueHome>): void {
  describe(name, () => {
    const bench = benchForAll(newHome);
    describeJobs(bench);
    describePace(bench);
    describeSchedulers(bench);
  });
}
