import { describe, inject } from 'vitest';
import { describeReader } from '../conformance/reader.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeReader('readers on PostgreSQL', () => postgresLocation(server));
});
