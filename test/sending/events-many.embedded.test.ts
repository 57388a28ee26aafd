import { describeManyEvents } from '../conformance/events-many.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeManyEvents('many events on PGlite', embeddedPlace);
