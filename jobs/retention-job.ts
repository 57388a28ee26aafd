import type { App } from '../src/app/app.ts';
import { forgetOldData } from '../src/workflow/retention.ts';

/** Delete the data that is older than RETENTION says. */
export async function retention(app: App): Promise<void> {
  await forgetOldData(app);
}
