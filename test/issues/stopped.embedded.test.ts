import { describeStopped } from '../conformance/stopped.ts';
import { embedded } from '../helpers/desk.ts';

describeStopped('PGlite', embedded);
