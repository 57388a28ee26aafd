import { describeFaults } from '../conformance/faults.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeFaults('a provider that misbehaves, on PGlite', embeddedLocation);
