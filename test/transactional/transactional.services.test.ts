import { describe, inject } from 'vitest';
import { describeTransactional } from '../conformance/transactional.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeTransactional('transactional mail on PostgreSQL', () => postgresLocation(server));
});
