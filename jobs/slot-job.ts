import type { App } from '../src/app/app.ts';
import { doSlotDuties } from '../src/workflow/duties.ts';

/** At the weekly slot: compose a missing draft, and start approved issues. */
export async function slot(app: App): Promise<void> {
  await doSlotDuties(app);
}
