import type { Publish } from '../comparisons/visibility-store.ts';
import type { Editor, PasskeyPolicy } from '../config/editors.ts';
import type { EditRequest } from '../issues/compose-issue.ts';
import type { Issue, RecordChange } from '../issues/issue-store.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import type { Connection } from '../platform/db/database.ts';
import type { RawQueue } from '../platform/queue/job-queue.ts';
import type { Limiter } from '../platform/queue/limiter.ts';
import type { Site } from '../platform/site.ts';
import type { Keys } from '../subscribers/tokens.ts';

/**
 * The steps of a week, as the desk asks for them. Each may be asked for twice, and then does nothing more; what
 * does something is written into the log by `record`, in the same transaction.
 */
export interface DeskActions {
  /** Composes the issue again, or the next one where there is none. */
  compose(record: RecordChange, issue?: Issue): Promise<Issue>;
  edit(request: EditRequest): Promise<Issue>;
  /** Of the issue as it is given: its `planHash` is the content that was looked at. */
  approve(issue: Issue, record: RecordChange): Promise<void>;
  /** Follows the pages that readers are sent to; `record` is told how many were reached in time. */
  followLinks(issue: Issue, record: (tx: Connection, followed: number) => Promise<unknown>): Promise<void>;
  takeBack(issue: Issue, record: RecordChange): Promise<void>;
  send(issue: Issue, record: RecordChange): Promise<void>;
  pause(issue: Issue, record: RecordChange, reason: string): Promise<void>;
  resume(issue: Issue, record: RecordChange): Promise<void>;
  cancel(issue: Issue, record: RecordChange): Promise<void>;
  /** After a batch was settled by a person's word: it may be the last of its issue, or waits for a worker. */
  settled(issueId: string): Promise<void>;
  /** Has a worker look at the sources, soon. */
  gather(): Promise<void>;
}

/** What `doctor` finds. */
export interface SetUpFinding {
  level: 'ok' | 'warn' | 'block';
  about: string;
  message: string;
  help: string;
}

export interface DeskOptions {
  editors: readonly Editor[];
  passkeys: PasskeyPolicy;
  /** IANA zone of the schedule: the desk's clock. */
  zone: string;
  /** From: of issues. */
  sender: string;
  actions: DeskActions;
  /** For their board, and for nothing else. */
  queues: {
    bare: readonly RawQueue[];
    /** Whether they can say who works on them; one session of a database looks like another's. */
    knowWorkers: boolean;
  };
  /** Settings and DNS, as they were found last. */
  setUp(): SetUpFinding[];
}

export interface DeskContext {
  db: Connection;
  keys: Keys;
  site: Site;
  desk: DeskOptions;
  /** Asks a worker to send a mail whose row is in the database; never in the way of an answer. */
  enqueueMail(mailId: string): void;
  /** When the page of a comparison becomes public. */
  publish: Publish;
  contents: ContentActions;
  /** Called when somebody was erased. */
  onErased?(): void;
  /** Wakes a worker to answer the requests for mail that wait; never in the way of an answer. */
  onMailRequest(): void;
  /** Counts requests by network and by browser. */
  limiter: Pick<Limiter, 'consume'>;
  clock(): Date;
}
