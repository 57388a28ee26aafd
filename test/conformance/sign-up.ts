import { describe } from 'vitest';
import { databaseForAll, type Place } from '../helpers/homes.ts';
import { describeKnown } from './sign-up-known.ts';
import { describeLimits } from './sign-up-limits.ts';
import { describeWayIn } from './sign-up-way.ts';

/** From the form to the welcome mail, on both backends. */
export function describeSignUp(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newPlace);
    describeWayIn(withDatabase);
    describeKnown(withDatabase);
    describeLimits(withDatabase);
  });
}
