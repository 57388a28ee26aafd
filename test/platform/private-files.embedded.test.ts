import { describePrivateFiles } from '../conformance/private-files.ts';
import { emptyLocation } from '../helpers/locations.ts';

describePrivateFiles('the files of the embedded default', emptyLocation);
