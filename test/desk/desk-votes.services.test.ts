import { describe, inject } from 'vitest';
import { describeSetAsideVotes } from '../conformance/desk-votes.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeSetAsideVotes('PostgreSQL', onServer(databaseUrl));
});
