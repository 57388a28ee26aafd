import { describeManyEvents } from '../conformance/events-many.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeManyEvents('many events on PGlite', embeddedLocation);
