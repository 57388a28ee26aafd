import { describeTold } from '../conformance/told.ts';
import { embedded } from '../helpers/desk.ts';

describeTold('PGlite', embedded);
