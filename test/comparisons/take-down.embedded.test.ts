import { describeTakeDown } from '../conformance/take-down.ts';
import { embedded } from '../helpers/desk.ts';

describeTakeDown('PGlite', embedded);
