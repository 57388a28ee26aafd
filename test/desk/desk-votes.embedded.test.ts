import { describeSetAsideVotes } from '../conformance/desk-votes.ts';
import { embedded } from '../helpers/desk.ts';

describeSetAsideVotes('PGlite', embedded);
