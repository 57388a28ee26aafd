import { describe } from 'vitest';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';
import { describeFigures } from './events-counters.ts';
import { describeEarly } from './events-early.ts';
import { describeMailEvents } from './events-mails.ts';
import { describeAnyOrder } from './events-order.ts';
import { describeTakingOff } from './events-readers.ts';
import { describeTelling } from './events-reported.ts';
import { describeSettling } from './events-settle.ts';
import { describeUnanswered } from './events-unanswered.ts';

/** Events of the provider and their effects, on both databases. */
export function describeEvents(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newLocation);
    describeTelling(withDatabase);
    describeTakingOff(withDatabase);
    describeMailEvents(withDatabase);
    describeUnanswered(withDatabase);
    describeEarly(withDatabase);
    describeSettling(withDatabase);
    describeFigures(withDatabase);
    describeAnyOrder(withDatabase);
  });
}
