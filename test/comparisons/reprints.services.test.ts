import { describe, inject } from 'vitest';
import { describeReprints } from '../conformance/reprints.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeReprints('PostgreSQL', onServer(databaseUrl));
});
