import { describe, inject } from 'vitest';
import { describeSettling } from './conformance/settle.ts';
import { postgresPlace } from './helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeSettling('PostgreSQL', () => postgresPlace(server));
});
