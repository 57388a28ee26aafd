import type { App } from '../src/app/app.ts';
import { takeEvents } from '../src/workflow/week.ts';

/** Apply all due events of the provider in one job. */
export async function events(app: App): Promise<void> {
  await takeEvents(app);
}
