import { describePeople } from '../conformance/desk-people.ts';
import { embedded } from '../helpers/desk.ts';

describePeople('PGlite', embedded);
