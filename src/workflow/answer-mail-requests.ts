import { notify } from '../notices/notice-store.ts';
import { isMailHost } from '../subscribers/sign-up/reputation.ts';
import { answerMailRequests } from '../transactional/requests/answer-requests.ts';
import type { WeekContext } from './week-context.ts';

/**
 * Processes the mail requests of visitors. A form writes one row, the same for every address (`addMailRequest`);
 * the job `sign_up` and `reconcile` call this file, which applies the limits and then the handler of the kind of
 * request.
 */

/**
 * Processes the waiting requests, and wakes the workers for the mails. When an hourly budget is exceeded, the
 * requests keep waiting and editors are notified: somebody may be using a form to flood others with mail.
 */
export async function answerWaiting(app: WeekContext): Promise<void> {
  const signInLinks: string[] = [];
  const handlers = app.mailRequestHandlers((token) => signInLinks.push(token));
  const { mailIds, budgetsExceeded } = await answerMailRequests(app.db, { handlers, isMailHost });
  if (mailIds.length > 0) await app.queue.enqueue('mail', ...mailIds.map((mailId) => ({ mailId })));
  for (const token of signInLinks) app.showSignInLink?.(`${app.config.publicUrl}/editor/sign-in/${token}`);
  for (const subject of budgetsExceeded) {
    const domain = subject === '*' ? 'all' : subject;
    const message = `More sign-ups of ${domain} than an hour may have confirm mails: they wait for the next.`;
    if (await notify(app.db, { kind: 'sign-up-flood', subject, message, at: app.clock() }))
      app.logger.error({ domain }, 'the budget of confirm mails is exceeded');
  }
}
