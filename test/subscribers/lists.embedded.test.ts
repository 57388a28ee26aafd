import { describeLists } from '../conformance/lists.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeLists('lists on PGlite', embeddedPlace);
