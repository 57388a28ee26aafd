import type { App } from '../src/app.ts';
import { answerWaiting } from '../src/weekly.ts';

/** Answer the sign-ups that wait: who gets which mail. */
export async function signUp(app: App): Promise<void> {
  await answerWaiting(app);
}
