import { describe, inject } from 'vitest';
import { describeTold } from '../conformance/told.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeTold('PostgreSQL', onServer(databaseUrl));
});
