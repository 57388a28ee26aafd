import { describeReader } from '../conformance/reader.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeReader('readers on the embedded database', embeddedPlace);
