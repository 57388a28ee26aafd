import { describe, inject } from 'vitest';
import { describeFaults } from '../conformance/faults.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeFaults('a provider that misbehaves, on PostgreSQL', () => postgresLocation(server));
});
