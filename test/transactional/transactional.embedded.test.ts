import { describeTransactional } from '../conformance/transactional.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeTransactional('transactional mail on the embedded database', embeddedLocation);
