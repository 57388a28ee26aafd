import type { App } from '../src/app.ts';
import type { JobScheduler, Processors } from '../src/queue/index.ts';
import { cleanOutbox } from './clean-outbox.ts';
import { events } from './events.ts';
import { gather } from './gather.ts';
import { mail } from './mail.ts';
import { prepare } from './prepare.ts';
import { reconcile } from './reconcile.ts';
import { signUp } from './sign-up.ts';
import { slot } from './slot.ts';
import { submit } from './submit.ts';

/** Every job there is, and who does it. */
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
  };
}

/**
 * What happens by the clock. The cron pattern is only a doorbell: which slot it is, and whether it has
 * its issue already, is decided by the rules of src/issues/slot.ts and the unique slot in the database.
 */
export function schedulers({ config }: App): JobScheduler[] {
  const { weekday, hour, minute, zone } = config.schedule;
  return [
    { name: 'slot', pattern: `${minute} ${hour} * * ${weekday % 7}`, timezone: zone },
    { name: 'gather', every: 3_600_000 },
    { name: 'reconcile', every: 60_000 },
    { name: 'clean_outbox', every: 3_600_000 },
  ];
}
