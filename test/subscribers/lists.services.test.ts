import { describe, inject } from 'vitest';
import { describeLists } from '../conformance/lists.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeLists('lists on PostgreSQL', () => postgresPlace(server));
});
