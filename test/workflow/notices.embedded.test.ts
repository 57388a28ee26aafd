import { describeNotices } from '../conformance/notices.ts';
import { embedded } from '../helpers/desk.ts';

describeNotices('PGlite', embedded);
