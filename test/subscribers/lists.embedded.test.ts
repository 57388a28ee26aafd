import { describeLists } from '../conformance/lists.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeLists('lists on PGlite', embeddedLocation);
