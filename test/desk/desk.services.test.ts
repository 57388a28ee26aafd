import { describe, inject } from 'vitest';
import { describeDesk } from '../conformance/desk.ts';
import { describeAccess } from '../conformance/desk-access.ts';
import { describeDoor } from '../conformance/desk-door.ts';
import { describePasskeys } from '../conformance/desk-passkeys.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeDoor('PostgreSQL', onServer(databaseUrl));
  describeDesk('PostgreSQL', onServer(databaseUrl));
  describeAccess('PostgreSQL', onServer(databaseUrl));
  describePasskeys('PostgreSQL', onServer(databaseUrl));
});
