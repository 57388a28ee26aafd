import { describe, inject } from 'vitest';
import { describeNotices } from '../conformance/notices.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeNotices('PostgreSQL', onServer(databaseUrl));
});
