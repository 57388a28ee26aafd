import type { App } from '../src/app/app.ts';
import { AppError } from '../src/platform/errors.ts';
import { gatherAll } from '../src/workflow/week.ts';

/** Look at the sources. What is wrong with one is in the database when this ends; the next hour looks again. */
export async function gather(app: App): Promise<void> {
  if (app.config.sources.length === 0) return;
  try {
    await gatherAll(app);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    app.logger.warn({ reason: error.message }, 'nothing was gathered');
  }
}
