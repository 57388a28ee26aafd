import { describeDelivery } from '../conformance/delivery.ts';
import { describeLateRefusals } from '../conformance/delivery-refusals.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeDelivery('delivery on PGlite', embeddedLocation, (withDatabase) =>
  describeLateRefusals(withDatabase),
);
