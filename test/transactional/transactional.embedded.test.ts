import { describeTransactional } from '../conformance/transactional.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeTransactional('transactional mail on the embedded database', embeddedPlace);
