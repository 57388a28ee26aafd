import { describeSignUp } from '../conformance/sign-up.ts';
import { embeddedPlace } from '../helpers/homes.ts';

describeSignUp('signing up on the embedded database', embeddedPlace);
