import { answerWaiting } from '../src/answering.ts';
import type { App } from '../src/app.ts';

/** Answer whatever strangers asked for and waits: who gets which mail. The name is from when only sign-ups did. */
export async function signUp(app: App): Promise<void> {
  await answerWaiting(app);
}
