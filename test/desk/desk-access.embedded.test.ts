import { describeAccess } from '../conformance/desk-access.ts';
import { embedded } from '../helpers/desk.ts';

describeAccess('PGlite', embedded);
