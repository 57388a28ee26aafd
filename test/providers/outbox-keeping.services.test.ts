import { describe, inject } from 'vitest';
import { describeOutboxKeeping } from '../conformance/outbox-keeping.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeOutboxKeeping('PostgreSQL', onServer(databaseUrl));
});
