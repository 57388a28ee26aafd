import { describeAudience } from './conformance/audience.ts';
import { describeDelivery } from './conformance/delivery.ts';
import { embeddedPlace } from './helpers/homes.ts';

describeAudience('a long audience on PGlite', embeddedPlace);
describeDelivery('PGlite', embeddedPlace);
