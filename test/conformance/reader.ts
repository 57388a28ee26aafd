import { describe } from 'vitest';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';
import { describeNewAddress } from './reader-address.ts';
import { describeWayBack } from './reader-bounce.ts';
import { describeOwnData } from './reader-data.ts';
import { describePauses } from './reader-pause.ts';
import { describeStepUp } from './reader-step-up.ts';
import { describeVotes } from './reader-votes.ts';

/** What readers change about themselves, and its effects on the database. */
export function describeReader(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newLocation);
    describePauses(withDatabase);
    describeNewAddress(withDatabase);
    describeOwnData(withDatabase);
    describeVotes(withDatabase);
    describeWayBack(withDatabase);
    describeStepUp(withDatabase);
  });
}
