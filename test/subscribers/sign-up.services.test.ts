import { describe, inject } from 'vitest';
import { describeSignUp } from '../conformance/sign-up.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeSignUp('signing up on PostgreSQL', () => postgresLocation(server));
});
