import { describeClocks } from '../conformance/clocks.ts';
import { embedded } from '../helpers/desk.ts';

describeClocks('PGlite', embedded);
