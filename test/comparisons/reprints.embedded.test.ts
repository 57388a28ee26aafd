import { describeReprints } from '../conformance/reprints.ts';
import { embedded } from '../helpers/desk.ts';

describeReprints('PGlite', embedded);
