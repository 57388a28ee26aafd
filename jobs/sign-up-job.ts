import type { App } from '../src/app/app.ts';
import { answerWaiting } from '../src/workflow/answer-mail-requests.ts';

/** Process the waiting mail requests of visitors. The name of the job is older than the other kinds of request. */
export async function signUp(app: App): Promise<void> {
  await answerWaiting(app);
}
