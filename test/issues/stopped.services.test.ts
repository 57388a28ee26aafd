import { describe, inject } from 'vitest';
import { describeStopped } from '../conformance/stopped.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeStopped('PostgreSQL', onServer(databaseUrl));
});
