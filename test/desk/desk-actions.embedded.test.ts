import { describeActions } from '../conformance/desk-actions.ts';
import { embedded } from '../helpers/desk.ts';

describeActions('PGlite', embedded);
