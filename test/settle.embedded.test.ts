import { describeSettling } from './conformance/settle.ts';
import { embeddedPlace } from './helpers/homes.ts';

describeSettling('PGlite', embeddedPlace);
