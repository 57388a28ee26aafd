import { describeOutboxKeeping } from '../conformance/outbox-keeping.ts';
import { embedded } from '../helpers/desk.ts';

describeOutboxKeeping('PGlite', embedded);
