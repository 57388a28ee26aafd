import { describe, inject } from 'vitest';
import { describeGone } from '../conformance/gone.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeGone('PostgreSQL', onServer(databaseUrl));
});
