import type { App } from '../src/app/app.ts';
import { cleanOutbox as cleanFiles } from '../src/workflow/clean-outbox.ts';

/** Delete expired mails, and mails to erased people, from the outbox. */
export async function cleanOutbox(app: App): Promise<void> {
  await cleanFiles(app);
}
