/** How long a statement may wait for a connection and for a lock, and last, in ms; 0: without a limit. */
export interface Timeouts {
  connectMs: number;
  lockMs: number;
  statementMs: number;
}

/** For what must not be interrupted: a migration. */
export const NO_TIMEOUTS: Timeouts = { connectMs: 10_000, lockMs: 0, statementMs: 0 };

/** For jobs and commands, unless settings say otherwise: longer than any of their statements waits or runs on a healthy database. */
export const WORK_TIMEOUTS: Timeouts = { connectMs: 10_000, lockMs: 30_000, statementMs: 300_000 };

/** A person waits for the answer: it is better refused than late. */
export const REQUEST_TIMEOUTS: Timeouts = { connectMs: 3_000, lockMs: 2_000, statementMs: 15_000 };
