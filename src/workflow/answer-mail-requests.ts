import { notify, openNotices, resolve } from '../notices/notice-store.ts';
import { isMailHost } from '../subscribers/sign-up/reputation.ts';
import { answerMailRequests } from '../transactional/requests/answer-requests.ts';
import { postponedDomains } from '../transactional/requests/request-store.ts';
import type { WeekContext } from './week-context.ts';

/**
 * The answers to whatever a stranger can make us mail. A form writes a row, the same for everybody
 * (`addMailRequest`); the job `sign_up` and `reconcile` come here, where the limits and then the handler of its kind
 * decide what is mailed.
 */

/**
 * Answers the requests that wait, and wakes the workers for the mails. Where an hourly budget is spent they wait on,
 * and an editor is told: somebody may be using a form to bury others in mail.
 */
export async function answerWaiting(app: WeekContext): Promise<void> {
  const signInLinks: string[] = [];
  const handlers = app.mailRequestHandlers((token) => signInLinks.push(token));
  const { mailIds, budgetsExceeded: spent } = await answerMailRequests(app.db, { handlers, isMailHost });
  if (mailIds.length > 0) await app.queue.enqueue('mail', ...mailIds.map((mailId) => ({ mailId })));
  for (const token of signInLinks) app.showSignInLink?.(`${app.config.publicUrl}/editor/sign-in/${token}`);
  for (const subject of spent) {
    const whose = subject === '*' ? 'all' : subject;
    const message = `More sign-ups of ${whose} than an hour may have confirm mails: they wait for the next.`;
    if (await notify(app.db, { kind: 'sign-up-flood', subject, message, at: app.clock() }))
      app.logger.error({ domain: whose }, 'the budget of confirm mails is spent');
  }
}

/** Takes back what editors were told of a flood of requests, when nobody waits for a budget any more. */
export async function endFloods({ db, clock }: Pick<WeekContext, 'db' | 'clock'>): Promise<void> {
  const floods = (await openNotices(db)).filter(({ kind }) => kind === 'sign-up-flood');
  if (floods.length === 0) return;
  const waiting = await postponedDomains(db);
  for (const { subject } of floods) {
    const isOver = subject === '*' ? waiting.length === 0 : !waiting.includes(subject);
    if (isOver) await resolve(db, { kind: 'sign-up-flood', subject, at: clock() });
  }
}
