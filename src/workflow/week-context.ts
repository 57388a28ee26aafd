import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { FaultLog } from '../notices/fault-log.ts';
import type { Connection } from '../platform/db/database.ts';
import type { DatabaseTime } from '../platform/db/database-time.ts';
import type { JobQueue } from '../platform/queue/job-queue.ts';
import type { Mailer } from '../providers/port.ts';
import type { SendingMark } from '../sending/mark/sending-mark.ts';
import type { Keys } from '../subscribers/tokens.ts';
import type { MailRequestHandlers } from '../transactional/requests/answer-requests.ts';

/** The dependencies of the steps of a week and of the recurring duties. The app implements it. */
export interface WeekContext {
  config: Config;
  /** Keys that sign and verify the links in mail. */
  keys: Keys;
  logger: Logger;
  db: Connection;
  queue: JobQueue;
  /** What database and queue refuse. */
  faults: FaultLog;
  mailer: Mailer;
  /**
   * Whether the provider's events are received: `unseen` when it could post them but has no webhook address, `none`
   * when no mail leaves the machine.
   */
  events: 'taken' | 'unseen' | 'none';
  /** The time of {@link WeekContext.time}, without asking. */
  clock(): Date;
  /** Requests HEARTBEAT_URL, if it is set; never throws. */
  beat(): Promise<void>;
  time: DatabaseTime;
  /** Whether this database is older than what was mailed. */
  mark: SendingMark;
  /**
   * The handler of each kind of mail request.
   * @param onSignInLink is called with the token of every sign-in link to the desk.
   */
  mailRequestHandlers(onSignInLink: (token: string) => void): MailRequestHandlers;
  /** Shows a sign-in link to the person at the terminal; null where mail leaves this machine. */
  showSignInLink: ((link: string) => void) | null;
}
