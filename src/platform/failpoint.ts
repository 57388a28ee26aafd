/**
 * Places at which a process can be told to kill itself, as a power cut would: `FAILPOINT=after-claim:3` ends it
 * the third time it gets there. Only `npm run chaos` sets it; without it nothing ever happens here.
 */
export type Failpoint =
  /** The first page of the audience is frozen, the transaction is not committed. */
  | 'mid-prepare'
  | 'before-claim'
  /** The claim is committed, nothing is sent. */
  | 'after-claim'
  /** The provider answered, nothing is written down. */
  | 'after-accept'
  /** It is written down, nobody was told. */
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
