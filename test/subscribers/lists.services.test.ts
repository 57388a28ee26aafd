import { describe, inject } from 'vitest';
import { describeLists } from '../conformance/lists.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeLists('lists on PostgreSQL', () => postgresLocation(server), { isLong: true });
});
