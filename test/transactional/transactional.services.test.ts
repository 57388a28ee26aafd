import { describe, inject } from 'vitest';
import { describeTransactional } from '../conformance/transactional.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeTransactional('transactional mail on PostgreSQL', () => postgresPlace(server));
});
