import { describeEarlyEvents } from './conformance/early-events.ts';
import { embeddedPlace } from './helpers/homes.ts';

describeEarlyEvents('PGlite', embeddedPlace);
