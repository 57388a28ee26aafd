import { describe, inject } from 'vitest';
import { describeTakeDown } from '../conformance/take-down.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeTakeDown('PostgreSQL', onServer(databaseUrl));
});
