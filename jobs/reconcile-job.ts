import type { App } from '../src/app/app.ts';
import { reconcile as reconcileRows } from '../src/workflow/duties.ts';

/** Every minute and at boot: finish the work that a crash, an emptied queue or a lost response left undone. */
export async function reconcile(app: App): Promise<void> {
  await reconcileRows(app);
}
