import { describeUpgraded } from '../conformance/upgraded.ts';
import { emptyLocation } from '../helpers/locations.ts';

describeUpgraded('PGlite', emptyLocation);
