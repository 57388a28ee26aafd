import { describe, inject } from 'vitest';
import { describeDelivery } from '../conformance/delivery.ts';
import { postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeDelivery('delivery on PostgreSQL', () => postgresLocation(server));
});
