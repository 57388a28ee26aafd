import { describe, inject } from 'vitest';
import { describeSignUp } from '../conformance/sign-up.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeSignUp('signing up on PostgreSQL', () => postgresPlace(server));
});
