import { describe, inject } from 'vitest';
import { describeDesk } from '../conformance/desk.ts';
import { describeAccess } from '../conformance/desk-access.ts';
import { describePasskeys } from '../conformance/desk-passkeys.ts';
import { describeSignIn } from '../conformance/desk-sign-in.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeSignIn('PostgreSQL', onServer(databaseUrl));
  describeDesk('PostgreSQL', onServer(databaseUrl));
  describeAccess('PostgreSQL', onServer(databaseUrl));
  describePasskeys('PostgreSQL', onServer(databaseUrl));
});
