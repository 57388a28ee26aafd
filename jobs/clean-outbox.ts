import type { App } from '../src/app.ts';
import { cleanOutbox as cleanFiles } from '../src/outbox-keeping.ts';

/** End what the outbox keeps for too long, or of people who are gone. */
export async function cleanOutbox(app: App): Promise<void> {
  await cleanFiles(app);
}
