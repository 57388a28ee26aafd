import { describeConsentLog } from '../conformance/consent-log.ts';
import { embeddedPlace, emptyPlace } from '../helpers/homes.ts';

describeConsentLog('the consent log on PGlite', embeddedPlace, emptyPlace);
