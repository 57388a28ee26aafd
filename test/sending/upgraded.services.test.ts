import { describe, inject } from 'vitest';
import { describeUpgraded } from '../conformance/upgraded.ts';
import { emptyPostgresLocation } from '../helpers/locations.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeUpgraded('PostgreSQL', () => emptyPostgresLocation(databaseUrl));
});
