import { describeEvents } from '../conformance/events.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeEvents('events on PGlite', embeddedPlace);
