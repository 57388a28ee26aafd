import { describe, inject } from 'vitest';
import { describeAudience } from './conformance/audience.ts';
import { describeDelivery } from './conformance/delivery.ts';
import { postgresPlace } from './helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeAudience('a long audience on PostgreSQL', () => postgresPlace(server));
  describeDelivery('PostgreSQL', () => postgresPlace(server));
});
