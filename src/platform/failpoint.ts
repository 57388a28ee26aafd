/**
 * Points at which a process can be made to kill itself, like a power cut: `FAILPOINT=after-claim:3` kills it when it
 * reaches that point for the third time. Only `npm run chaos` sets it; otherwise these calls do nothing.
 */
export type Failpoint =
  /** The first page of the audience is frozen, the transaction is not committed. */
  | 'mid-prepare'
  | 'before-claim'
  /** The claim is committed, no request is sent. */
  | 'after-claim'
  /** The provider answered, the answer is not recorded. */
  | 'after-accept'
  /** The answer is recorded, nobody is notified. */
  | 'after-record'
  /** The ledger balances, the issue is not `sent` yet. */
  | 'at-finish';

const [chosen, nth = '1'] = (process.env.FAILPOINT ?? '').split(':');
let arrivals = 0;

export function failpoint(here: Failpoint): void {
  if (here !== chosen) return;
  arrivals += 1;
  if (arrivals === Number(nth)) process.kill(process.pid, 'SIGKILL');
}
