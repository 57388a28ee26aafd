import type { App } from '../src/app/app.ts';
import { SCHEDULE_INTERVAL_MS } from '../src/issues/slot.ts';
import type { JobScheduler, Processors } from '../src/platform/queue/job-queue.ts';
import { cleanOutbox } from './clean-outbox-job.ts';
import { events } from './events-job.ts';
import { gather } from './gather-job.ts';
import { mail } from './mail-job.ts';
import { prepare } from './prepare-job.ts';
import { reconcile } from './reconcile-job.ts';
import { retention } from './retention-job.ts';
import { signUp } from './sign-up-job.ts';
import { slot } from './slot-job.ts';
import { submit } from './submit-job.ts';

/** The processor of each job. */
export function processors(app: App): Processors {
  return {
    slot: () => slot(app),
    gather: () => gather(app),
    reconcile: () => reconcile(app),
    prepare: (payload) => prepare(app, payload),
    submit: (payload) => submit(app, payload),
    sign_up: () => signUp(app),
    mail: (payload) => mail(app, payload),
    events: () => events(app),
    clean_outbox: () => cleanOutbox(app),
    retention: () => retention(app),
  };
}

/** Clock changes move a slot by an hour or two. */
const LONGEST_SLOT_MS = SCHEDULE_INTERVAL_MS + 2 * 3_600_000;

/**
 * The scheduled jobs. The cron pattern only wakes the worker. The rules of src/issues/slot.ts and the unique slot
 * in the database decide which slot it is, and whether it already has its issue.
 */
export function schedulers({ config }: App): JobScheduler[] {
  const { weekday, hour, minute, zone } = config.schedule;
  return [
    {
      name: 'slot',
      pattern: `${minute} ${hour} * * ${weekday % 7}`,
      timezone: zone,
      longestMs: LONGEST_SLOT_MS,
    },
    { name: 'gather', every: 3_600_000 },
    { name: 'reconcile', every: 60_000 },
    { name: 'clean_outbox', every: 3_600_000 },
    { name: 'retention', every: 3_600_000 },
  ];
}
