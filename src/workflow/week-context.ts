import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Connection } from '../platform/db/database.ts';
import type { JobQueue } from '../platform/queue/job-queue.ts';
import type { Mailer } from '../providers/port.ts';
import type { Keys } from '../subscribers/tokens.ts';
import type { MailRequestHandlers } from '../transactional/requests/answer-requests.ts';

/** What the steps of a week and the recurring duties work with. The app is one. */
export interface WeekContext {
  config: Config;
  /** Sign and verify the links in mail. */
  keys: Keys;
  logger: Logger;
  db: Connection;
  queue: JobQueue;
  mailer: Mailer;
  /**
   * Whether the provider tells us what became of our mail: `unseen` when it could and has nowhere to, `none`
   * when no mail leaves the machine.
   */
  events: 'taken' | 'unseen' | 'none';
  clock(): Date;
  /**
   * Who answers which kind of request for mail.
   * @param onSignInLink is told of every sign-in link to the desk.
   */
  mailRequestHandlers(onSignInLink: (token: string) => void): MailRequestHandlers;
  /** Shows a sign-in link to the person at the terminal; null where mail leaves this machine. */
  showSignInLink: ((link: string) => void) | null;
}
