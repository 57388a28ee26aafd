import { sql } from 'kysely';
import { findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { issueProgress, type Progress, total } from '../../src/sending/progress.ts';
import { brokenInvariants } from '../helpers/invariants.ts';
import type { LocalResend } from '../resend/index.ts';
import { fateOf, type Reader } from './ground.ts';
import type { Stop } from './strikes.ts';

/** An unsubscribe as its reader knows it: the latest time at which it was committed. */
export interface Unsubscribe {
  email: string;
  /** Milliseconds since 1970, of the answer. */
  answeredAt: number;
}

export interface Verdict {
  /** Whether the issue finished. */
  isSent: boolean;
  progress: Progress;
  accepted: number;
  lost: string[];
  doubled: string[];
  /** Mailed by a request that began after they had unsubscribed. */
  afterLeaving: string[];
  /** Mailed although they unsubscribed, by a request that was in flight. */
  inFlight: number;
  /** All other violations. */
  faults: string[];
}

interface Row {
  id: string;
  email: string;
  status: string;
  reason: string | null;
  /** Status of the subscriber. */
  subscriber: string;
}

/** The final state of a message in the database once every event is applied. */
const FINAL_STATUS: Record<string, string> = {
  delivered: 'delivered',
  delayed: 'delivered',
  bounced: 'bounced',
  'soft-bounced': 'bounced',
  complained: 'complained',
  silent: 'submitted',
};

const ACCEPTED = new Set(['submitted', 'delivered', 'bounced', 'complained']);

/**
 * How long a claimed request may take to arrive on a busy machine. The database knows exactly who had unsubscribed when
 * a batch was claimed (I3); this is only for replays, whose claim leaves no time.
 */
const ON_ITS_WAY_MS = 10_000;

/** Compares the database with the mails that the provider really accepted. */
export async function checkIssue(
  db: Connection,
  resend: LocalResend,
  issueId: string,
  readers: readonly Reader[],
  unsubscribes: readonly Unsubscribe[],
  stops: readonly Stop[],
): Promise<Verdict> {
  const faults: string[] = [];
  const issue = await findIssue(db, { id: issueId });
  if (issue?.status !== 'sent') faults.push(`the issue is ${issue?.status}: ${issue?.reason}`);
  for (const [name, rows] of Object.entries(await brokenInvariants(db, issueId)))
    faults.push(`${name}: ${rows.length}`);

  const { rows: deliveries } = await sql<Row>`
    select d.id, s.email, d.status, d.reason, s.status as subscriber from deliveries d join subscribers s on s.id = d.subscriber_id
    where d.issue_id = ${issueId}
  `.execute(db);
  const byEmail = new Map(deliveries.map((row) => [row.email, row]));
  const accepted = resend.accepted();
  const refused = new Set(resend.refused().map(({ to }) => to));
  const left = new Map(unsubscribes.map((unsubscribe) => [unsubscribe.email, unsubscribe]));

  const lost: string[] = [];
  const doubled: string[] = [];
  for (const { email } of readers) {
    const copies = resend.copies(email);
    const delivery = byEmail.get(email);
    if (copies > 1) doubled.push(`${email} has ${copies} copies`);
    if (delivery === undefined) {
      // Unsubscribed before the audience was frozen.
      if (!left.has(email)) lost.push(`${email} has no delivery`);
      continue;
    }
    const { status, reason, subscriber } = delivery;
    if (ACCEPTED.has(status) !== copies > 0) {
      const message = `${email} is ${status}(${reason}) with ${copies} copies`;
      (copies > 0 ? faults : lost).push(message);
    }
    const fate = fateOf(email);
    if (copies > 0 && status !== FINAL_STATUS[fate])
      faults.push(`${email} is ${status}(${reason}), though it was ${fate}`);
    const isSuppressing = copies > 0 && (fate === 'bounced' || fate === 'complained');
    if (isSuppressing && subscriber !== 'suppressed')
      faults.push(`${email} ${fate} and is ${subscriber} (I7)`);
    if (Number.isFinite(left.get(email)?.answeredAt ?? Number.NaN) && subscriber === 'active')
      faults.push(`${email} was told they are off the list, and is ${subscriber}`);
    if (status === 'failed' && !refused.has(email)) lost.push(`${email} failed: ${reason}`);
    if (status === 'excluded' && reason !== 'no-content' && !left.has(email))
      lost.push(`${email} was excluded: ${reason}`);
  }
  const known = new Set(deliveries.map(({ id }) => id));
  for (const { deliveryId, to } of accepted) {
    if (!known.has(deliveryId ?? ''))
      faults.push(`${to} was mailed as a delivery that is not in the database`);
  }

  const afterLeaving: string[] = [];
  let inFlight = 0;
  for (const { to, arrivedAt } of accepted) {
    const unsubscribe = left.get(to);
    const arrived = Date.parse(arrivedAt);
    if (unsubscribe === undefined || arrived <= unsubscribe.answeredAt) continue;
    const stood = stops.some(({ from, to: until }) => from <= arrived && until >= unsubscribe.answeredAt);
    if (stood || arrived - unsubscribe.answeredAt < ON_ITS_WAY_MS) inFlight += 1;
    else afterLeaving.push(`${to} ${arrived - unsubscribe.answeredAt} ms after the unsubscribe`);
  }

  const progress = await issueProgress(db, issueId);
  if (progress.submitted !== accepted.length)
    faults.push(`the ledger says ${progress.submitted} submitted, the provider accepted ${accepted.length}`);
  const settled = progress.submitted + total(progress.excluded) + total(progress.failed);
  if (settled !== progress.audience) faults.push(`audience ${progress.audience}, settled ${settled}`);
  const { rows: slots } = await sql`select slot from issues group by slot having count(*) > 1`.execute(db);
  if (slots.length > 0) faults.push('I6 one issue per slot');
  const isSent = issue?.status === 'sent';
  return { isSent, progress, accepted: accepted.length, lost, doubled, afterLeaving, inFlight, faults };
}

/** I9: no output of a process names a reader, a token or a key. */
export function secretsIn(
  said: readonly string[],
  readers: readonly Reader[],
  keys: readonly string[],
): string[] {
  const text = said.join('\n');
  const found = keys.filter((key) => text.includes(key)).map(() => 'a key');
  // All readers share one domain, and all tokens the same first characters.
  if (/@readers\.example/u.test(text)) found.push('an address');
  if (readers.some(({ unsubscribe }) => text.includes(unsubscribe.split('/').at(-1) ?? '')))
    found.push('a token');
  return found;
}
