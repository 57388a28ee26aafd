import { describeChecks } from '../conformance/desk-checks.ts';
import { embedded } from '../helpers/desk.ts';

describeChecks('PGlite', embedded);
