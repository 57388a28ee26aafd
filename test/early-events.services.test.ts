import { describe, inject } from 'vitest';
import { describeEarlyEvents } from './conformance/early-events.ts';
import { postgresPlace } from './helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeEarlyEvents('PostgreSQL', () => postgresPlace(server));
});
