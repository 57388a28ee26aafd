import { describe, inject } from 'vitest';
import { describeDelivery } from '../conformance/delivery.ts';
import { postgresPlace } from '../helpers/homes.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeDelivery('delivery on PostgreSQL', () => postgresPlace(server));
});
