import { describeSignUp } from '../conformance/sign-up.ts';
import { embeddedLocation } from '../helpers/locations.ts';

describeSignUp('signing up on the embedded database', embeddedLocation);
