import { describeDesk } from '../conformance/desk.ts';
import { describeSignIn } from '../conformance/desk-sign-in.ts';
import { embedded } from '../helpers/desk.ts';

describeSignIn('PGlite', embedded);
describeDesk('PGlite', embedded);
