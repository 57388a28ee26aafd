import { describeGone } from '../conformance/gone.ts';
import { embedded } from '../helpers/desk.ts';

describeGone('PGlite', embedded);
