import type { App } from '../src/app/app.ts';
import { doSlotDuties } from '../src/workflow/duties.ts';

/** The weekly slot has come: compose what is missing, start what was approved. */
export async function slot(app: App): Promise<void> {
  await doSlotDuties(app);
}
