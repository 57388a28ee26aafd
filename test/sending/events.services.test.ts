import { describe, inject } from 'vitest';
import { describeEvents } from '../conformance/events.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeEvents('events on PostgreSQL', () => postgresLocation(server));
});
