import { describe, inject } from 'vitest';
import { describePrivateFiles } from '../conformance/private-files.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describePrivateFiles('the files of an installation on PostgreSQL', () => postgresPlace(server));
});
