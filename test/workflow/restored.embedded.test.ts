import { describeRestoredDatabase, embeddedCopies } from '../conformance/restored.ts';
import { embedded } from '../helpers/desk.ts';

describeRestoredDatabase('PGlite', async (dataDir) => ({
  ...(await embedded(dataDir)),
  ...embeddedCopies(dataDir),
}));
