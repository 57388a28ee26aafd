import { describe, inject } from 'vitest';
import { describeDesk } from './conformance/desk.ts';
import { onServer } from './helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeDesk('PostgreSQL', onServer(databaseUrl));
});
