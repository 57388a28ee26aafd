import type { App } from '../src/app/app.ts';
import type { Payload } from '../src/platform/queue/contracts.ts';
import { RateLimitedError } from '../src/platform/queue/job-queue.ts';
import { finish, pause } from '../src/workflow/week.ts';

/** Submit one batch; its result decides whether the queue waits and whether the issue is paused. */
export async function submit(app: App, { batchId }: Payload<'submit'>): Promise<void> {
  const result = await app.submit(batchId);
  switch (result.kind) {
    case 'done':
      return finish(app, result.issueId);
    case 'split':
      return app.queue.enqueue('submit', ...result.batchIds.map((batchId) => ({ batchId })));
    case 'halted':
      return pause(app, result.issueId, result.reason);
    case 'wait':
      if (result.reason !== undefined) app.logger.warn(result, 'the provider does not answer');
      throw new RateLimitedError(result.ms);
    case 'again':
      // The job is retried with backoff, then by reconcile: the batch keeps its key and its bytes.
      throw new Error(result.reason);
    case 'unavailable':
      return;
  }
}
