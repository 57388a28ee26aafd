import { describe, inject } from 'vitest';
import { describeEvents } from '../conformance/events.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeEvents('events on PostgreSQL', () => postgresPlace(server));
});
