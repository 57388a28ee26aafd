import { describe, inject } from 'vitest';
import { describePrivateFiles } from '../conformance/private-files.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describePrivateFiles('the files of an installation on PostgreSQL', () => postgresLocation(server));
});
