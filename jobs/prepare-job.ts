import type { App } from '../src/app/app.ts';
import type { Payload } from '../src/platform/queue/contracts.ts';
import { prepare as prepareIssue } from '../src/workflow/week.ts';

/** Freeze an approved issue and enqueue its batches. */
export async function prepare(app: App, { issueId }: Payload<'prepare'>): Promise<void> {
  await prepareIssue(app, issueId);
}
