import type { App } from '../src/app/app.ts';
import { answerWaiting } from '../src/workflow/answer-mail-requests.ts';

/** Answer whatever strangers asked for and waits: who gets which mail. The name is from when only sign-ups did. */
export async function signUp(app: App): Promise<void> {
  await answerWaiting(app);
}
