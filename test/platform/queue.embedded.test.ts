import { describeQueue } from '../conformance/queue.ts';
import { embeddedLocation } from '../helpers/locations.ts';
import { databaseQueues } from '../helpers/queues.ts';

describeQueue('BullMQ on PGlite', () => databaseQueues(embeddedLocation));
