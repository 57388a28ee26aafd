import { describeWatching } from '../conformance/desk-watch.ts';
import { embedded } from '../helpers/desk.ts';

describeWatching('PGlite', embedded);
