import { describeFaults } from './conformance/faults.ts';
import { embeddedPlace } from './helpers/homes.ts';

describeFaults('faults of the provider, on PGlite', embeddedPlace);
