import type { Publish } from '../comparisons/visibility-store.ts';
import type { Editor, PasskeyPolicy } from '../config/editors.ts';
import type { EditRequest } from '../issues/compose-issue.ts';
import type { Issue, RecordChange } from '../issues/issue-store.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import type { LeaveOutRequest } from '../issues/take-down/gone.ts';
import type { Connection } from '../platform/db/database.ts';
import type { RawQueue } from '../platform/queue/job-queue.ts';
import type { Limiter } from '../platform/queue/limiter.ts';
import type { Site } from '../platform/site.ts';
import type { Keys } from '../subscribers/tokens.ts';

/**
 * The actions of the desk. Each is idempotent; an action that changes something is written into the audit log by
 * `record`, in the same transaction.
 */
export interface DeskActions {
  /** Composes the issue again, or the next one if there is none. */
  compose(record: RecordChange, issue?: Issue): Promise<Issue>;
  edit(request: EditRequest): Promise<Issue>;
  /** Approves the given version of the issue: its `planHash` is the content that the publisher saw. */
  approve(issue: Issue, record: RecordChange): Promise<void>;
  /** Requests the pages that the issue links to; `record` gets the number of pages that answered in time. */
  followLinks(issue: Issue, record: (tx: Connection, followed: number) => Promise<unknown>): Promise<void>;
  /** Composes the issue again without what is gone; an approval is withdrawn. */
  leaveOutGone(issue: Issue, record: Pick<LeaveOutRequest, 'record' | 'recordTakenBack'>): Promise<void>;
  takeBack(issue: Issue, record: RecordChange): Promise<void>;
  /** @param to a local time of the schedule's zone, "2027-01-06T09:00". */
  move(issue: Issue, record: RecordChange, to: string): Promise<void>;
  send(issue: Issue, record: RecordChange): Promise<void>;
  pause(issue: Issue, record: RecordChange, reason: string): Promise<void>;
  resume(issue: Issue, record: RecordChange): Promise<void>;
  cancel(issue: Issue, record: RecordChange): Promise<void>;
  /**
   * Mails it to the readers who failed for one reason.
   * @param chosen `readers`: the number that the publisher has seen.
   */
  retry(issue: Issue, chosen: { reason: string; readers: number }, record: RecordChange): Promise<void>;
  /** Called after a person settled a batch: the issue may be finished now, or the batch may need a worker. */
  settled(issueId: string): Promise<void>;
  /** Asks a worker to gather from the sources soon. */
  gather(): Promise<void>;
}

/** A finding of `doctor`. */
export interface SetUpFinding {
  level: 'ok' | 'warn' | 'block';
  about: string;
  message: string;
  help: string;
}

export interface DeskOptions {
  editors: readonly Editor[];
  passkeys: PasskeyPolicy;
  /** IANA zone of the schedule, in which the desk shows times. */
  zone: string;
  /** The sender address of issues. */
  sender: string;
  actions: DeskActions;
  /** Only for their board. */
  queues: {
    bare: readonly RawQueue[];
    /** Whether they know their workers; sessions of a database all look alike. */
    knowWorkers: boolean;
  };
  /** How long a page waits for checks that are not stored yet, before it says that they are being made. */
  checksWaitMs: number;
  /** Findings about settings and DNS, from the last check. */
  setUp(): SetUpFinding[];
}

export interface DeskContext {
  db: Connection;
  keys: Keys;
  site: Site;
  desk: DeskOptions;
  /** Asks a worker to send a mail whose row is in the database; must not delay the response. */
  enqueueMail(mailId: string): void;
  /** When the page of a comparison becomes public. */
  publish: Publish;
  contents: ContentActions;
  /** Called when a person was erased. */
  onErased?(): void;
  /** Wakes a worker to process waiting mail requests; must not delay the response. */
  onMailRequest(): void;
  /** Counts requests by network and by browser. */
  limiter: Pick<Limiter, 'consume'>;
  clock(): Date;
}
