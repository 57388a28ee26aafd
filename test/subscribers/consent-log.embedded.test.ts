import { describeConsentLog } from '../conformance/consent-log.ts';
import { embeddedLocation, emptyLocation } from '../helpers/locations.ts';

describeConsentLog('the consent log on PGlite', embeddedLocation, emptyLocation);
