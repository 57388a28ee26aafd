import { describeEvents } from '../conformance/events.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeEvents('events on PGlite', embeddedLocation);
