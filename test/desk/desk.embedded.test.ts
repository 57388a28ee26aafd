import { describeDesk } from '../conformance/desk.ts';
import { describeDoor } from '../conformance/desk-door.ts';
import { embedded } from '../helpers/desk.ts';

describeDoor('PGlite', embedded);
describeDesk('PGlite', embedded);
