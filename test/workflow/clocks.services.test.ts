import { describe, inject } from 'vitest';
import { describeClocks } from '../conformance/clocks.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeClocks('PostgreSQL', onServer(databaseUrl));
});
