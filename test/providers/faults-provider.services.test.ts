import { describe, inject } from 'vitest';
import { describeFaults } from '../conformance/faults.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeFaults('a provider that misbehaves, on PostgreSQL', () => postgresPlace(server));
});
