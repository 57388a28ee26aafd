import { describeFaults } from '../conformance/faults.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeFaults('a provider that misbehaves, on PGlite', embeddedPlace);
