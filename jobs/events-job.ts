import type { App } from '../src/app/app.ts';
import { takeEvents } from '../src/workflow/week.ts';

/** Apply what the provider told us: all of it in one job, however much it is. */
export async function events(app: App): Promise<void> {
  await takeEvents(app);
}
