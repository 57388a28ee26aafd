import type { App } from '../src/app.ts';
import type { Payload } from '../src/queue/index.ts';
import { prepare as prepareIssue } from '../src/weekly.ts';

/** Freeze an approved issue and ring for its batches. */
export async function prepare(app: App, { issueId }: Payload<'prepare'>): Promise<void> {
  await prepareIssue(app, issueId);
}
