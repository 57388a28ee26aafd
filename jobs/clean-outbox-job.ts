import type { App } from '../src/app/app.ts';
import { cleanOutbox as cleanFiles } from '../src/workflow/clean-outbox.ts';

/** End what the outbox keeps for too long, or of people who are gone. */
export async function cleanOutbox(app: App): Promise<void> {
  await cleanFiles(app);
}
