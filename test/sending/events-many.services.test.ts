import { describe, inject } from 'vitest';
import { describeManyEvents } from '../conformance/events-many.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeManyEvents('many events on PostgreSQL', () => postgresLocation(server));
});
