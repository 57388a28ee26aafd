import { describe } from 'vitest';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';
import { describeAccounts } from './lists-accounts.ts';
import { describeExport } from './lists-export.ts';
import { describeFiles } from './lists-files.ts';
import { describeLinks } from './lists-links.ts';
import { describeLongList } from './lists-long.ts';
import { describeNewcomers } from './lists-people.ts';

/**
 * Imports, exports and erasure, on either backend.
 * @param options `isLong` adds a list of 50,000 rows.
 */
export function describeLists(
  name: string,
  newLocation: () => Promise<DatabaseLocation>,
  { isLong = false }: { isLong?: boolean } = {},
): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newLocation);
    describeNewcomers(withDatabase);
    describeFiles(withDatabase);
    describeAccounts(withDatabase);
    describeExport(withDatabase, newLocation);
    describeLinks(withDatabase, newLocation);
    // Last, because its people would disturb every test after it.
    if (isLong) describeLongList(withDatabase);
  });
}
