import { describe } from 'vitest';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';
import { describeKnown } from './sign-up-known.ts';
import { describeLimits } from './sign-up-limits.ts';
import { describeWayIn } from './sign-up-way.ts';

/** From the form to the welcome mail, on both backends. */
export function describeSignUp(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newLocation);
    describeWayIn(withDatabase);
    describeKnown(withDatabase);
    describeLimits(withDatabase);
  });
}
