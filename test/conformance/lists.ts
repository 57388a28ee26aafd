import { describe } from 'vitest';
import { databaseForAll, type Place } from '../helpers/homes.ts';
import { describeAccounts } from './lists-accounts.ts';
import { describeExport } from './lists-export.ts';
import { describeFiles } from './lists-files.ts';
import { describeLinks } from './lists-links.ts';
import { describeLongList } from './lists-long.ts';
import { describeNewcomers } from './lists-people.ts';

/** Imports, exports and erasure, on either backend. */
export function describeLists(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newPlace);
    describeNewcomers(withDatabase);
    describeFiles(withDatabase);
    describeAccounts(withDatabase);
    describeExport(withDatabase, newPlace);
    describeLinks(withDatabase, newPlace);
    // Last, because its people would disturb every test after it.
    describeLongList(withDatabase);
  });
}
