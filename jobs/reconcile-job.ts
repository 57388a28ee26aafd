import type { App } from '../src/app/app.ts';
import { reconcile as reconcileRows } from '../src/workflow/duties.ts';

/** Every minute and at boot: finish whatever a crash, a flush or a lost answer left. */
export async function reconcile(app: App): Promise<void> {
  await reconcileRows(app);
}
