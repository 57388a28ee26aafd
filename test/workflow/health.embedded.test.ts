import { describeHealth } from '../conformance/health.ts';
import { embedded } from '../helpers/desk.ts';

describeHealth('PGlite', embedded);
