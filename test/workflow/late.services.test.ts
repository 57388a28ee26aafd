import { describe, inject } from 'vitest';
import { describeLate } from '../conformance/late.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeLate('PostgreSQL', onServer(databaseUrl));
});
