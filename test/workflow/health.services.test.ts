import { describe, inject } from 'vitest';
import { describeHealth } from '../conformance/health.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeHealth('PostgreSQL', onServer(databaseUrl));
});
