import { describe, inject } from 'vitest';
import { describeReader } from '../conformance/reader.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeReader('readers on PostgreSQL', () => postgresPlace(server));
});
