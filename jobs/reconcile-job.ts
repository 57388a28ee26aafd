import type { App } from '../src/app/app.ts';
import { reconcileAndBeat } from '../src/workflow/duties.ts';

/** Every minute and at boot: finish the work that a crash, an emptied queue or a lost response left undone. */
export async function reconcile(app: App): Promise<void> {
  await reconcileAndBeat(app);
}
