import { describeLate } from '../conformance/late.ts';
import { embedded } from '../helpers/desk.ts';

describeLate('PGlite', embedded);
