import { describeReader } from '../conformance/reader.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeReader('readers on the embedded database', embeddedLocation);
