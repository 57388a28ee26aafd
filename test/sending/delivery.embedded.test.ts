import { describeDelivery } from '../conformance/delivery.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeDelivery('delivery on PGlite', embeddedLocation);
