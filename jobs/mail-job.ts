import type { App } from '../src/app/app.ts';
import type { Payload } from '../src/platform/queue/contracts.ts';
import { RateLimitedError } from '../src/platform/queue/job-queue.ts';

/** Send one transactional email. */
export async function mail(app: App, { mailId }: Payload<'mail'>): Promise<void> {
  const result = await app.sendMail(mailId);
  switch (result.kind) {
    case 'done':
      return;
    case 'wait':
      if (result.reason !== undefined) app.logger.warn(result, 'the provider does not answer');
      throw new RateLimitedError(result.ms);
    case 'again':
      // The job is retried with backoff, then by reconcile: the email keeps its key and its bytes.
      throw new Error(result.reason);
  }
}
