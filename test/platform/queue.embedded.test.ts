import { describeQueue } from '../conformance/queue.ts';
import { embeddedPlace } from '../helpers/homes.ts';
import { databaseHome } from '../helpers/queues.ts';

describeQueue('BullMQ on PGlite', () => databaseHome(embeddedPlace));
