import type { App } from '../src/app/app.ts';
import { AppError } from '../src/platform/errors.ts';
import { gatherAll } from '../src/workflow/week.ts';

/**
 * Gather from all sources. The fault of a source is stored in the database when the job ends; the next hour tries
 * again.
 */
export async function gather(app: App): Promise<void> {
  if (app.config.sources.length === 0) return;
  try {
    await gatherAll(app);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    app.logger.warn({ reason: error.message }, 'nothing was gathered');
  }
}
