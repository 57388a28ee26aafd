import { describeAfterwards } from '../conformance/desk-afterwards.ts';
import { embedded } from '../helpers/desk.ts';

describeAfterwards('PGlite', embedded);
