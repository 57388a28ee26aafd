import { describePrivateFiles } from '../conformance/private-files.ts';
import { emptyPlace } from '../helpers/homes.ts';

describePrivateFiles('the files of the embedded default', emptyPlace);
