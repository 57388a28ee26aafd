import { describeQueues } from '../conformance/desk-queues.ts';
import { embedded } from '../helpers/desk.ts';

describeQueues('PGlite', embedded);
