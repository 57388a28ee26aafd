import { describeDeeds } from '../conformance/desk-deeds.ts';
import { embedded } from '../helpers/desk.ts';

describeDeeds('PGlite', embedded);
