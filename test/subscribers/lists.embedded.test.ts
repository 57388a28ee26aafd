import { describeLists } from '../conformance/lists.ts';
import { embeddedLocation } from '../helpers/locations.ts';

// The memory of a long import is that of the import itself, which is the same on PostgreSQL and costs a third there; what
// PGlite holds of rows is a test of `db.embedded`.
describeLists('lists on PGlite', embeddedLocation);
