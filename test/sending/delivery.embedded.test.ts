import { describeDelivery } from '../conformance/delivery.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeDelivery('delivery on PGlite', embeddedPlace);
