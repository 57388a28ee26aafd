import { describeDesk } from './conformance/desk.ts';
import { embedded } from './helpers/desk.ts';

describeDesk('PGlite', embedded);
