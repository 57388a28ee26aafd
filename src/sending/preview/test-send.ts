import { randomUUID } from 'node:crypto';
import type { Issue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { parseAddress } from '../../subscribers/address.ts';
import { describeCause, suppressionCause } from '../../subscribers/suppression.ts';
import { acceptImmediately } from '../../transactional/requests/accept-immediately.ts';
import { domainsOfInbox, foldAddress } from '../../transactional/requests/request-policy.ts';
import { queueMail } from '../../transactional/transactional-store.ts';
import { impersonal, type PreviewRequest, previewIssue } from './preview-issue.ts';
import { insertTest, suppressedAt } from './preview-store.ts';

/** The most addresses in one test: enough for a newsroom. */
const MAX_ADDRESSES = 20;

export interface TestRequest extends PreviewRequest {
  issue: Issue;
  /** Addresses as they were typed, in any number. */
  to: readonly string[];
  who: string;
  /** The sender address of issues. */
  from: string;
  publicUrl: string;
  keyId: string;
  /** Writes it into the audit log, in the same transaction. */
  record?: (tx: Connection, addresses: number) => Promise<unknown>;
}

/**
 * Queues a test of an issue: the content that would be sent, frozen now, with a marked subject and impersonal
 * links. It is not in the ledger and changes no counter.
 * @returns the ids of the mails to enqueue.
 * @throws AppError `test-refused` that names the address at fault.
 */
export async function queueTest(db: Connection, request: TestRequest): Promise<string[]> {
  const { issue, who, keyId, record } = request;
  const addresses = new Map<string, string>();
  for (const typed of request.to) {
    const address = parseAddress(typed);
    if ('reason' in address) throw refused(`"${typed}" ${address.reason}.`);
    addresses.set(address.key, address.email);
  }
  if (addresses.size === 0 || addresses.size > MAX_ADDRESSES)
    throw refused(`A test goes to 1 to ${MAX_ADDRESSES} addresses; these are ${addresses.size}.`);
  const suppressed = await findSuppressed(db, [...addresses.keys()]);
  if (suppressed !== undefined) {
    const why = describeCause(suppressionCause(suppressed.reason), suppressed.reason);
    throw refused(`${addresses.get(suppressed.key)} must not be mailed: ${why}.`);
  }

  const preview = await previewIssue(db, issue, request);
  const test = {
    id: randomUUID(),
    issueId: issue.id,
    who,
    sender: request.from,
    subject: `[Test] ${preview.subject}`,
    ...impersonal(preview, request.publicUrl),
  };
  return db.transaction().execute(async (tx) => {
    const refusal = await acceptImmediately(tx, 'tests', [...addresses.keys()]);
    if (refusal !== undefined) {
      const address = addresses.get(refusal.emailKey);
      throw refused(
        refusal.why === 'refused'
          ? `${address} asked never to be mailed.`
          : `${address} had as many tests as an inbox may have now; try again later.`,
      );
    }
    await insertTest(tx, test);
    const mails: string[] = [];
    for (const recipient of addresses.values())
      mails.push(await queueMail(tx, { kind: 'test', recipient, content: { testId: test.id }, keyId }));
    await record?.(tx, addresses.size);
    return mails;
  });
}

/** Returns the first of these keys whose inbox belongs to a suppressed subscriber, and why it is suppressed. */
async function findSuppressed(
  db: Connection,
  emailKeys: readonly string[],
): Promise<{ key: string; reason: string | null } | undefined> {
  const people = await suppressedAt(db, emailKeys.flatMap(domainsOfInbox));
  const reasons = new Map(people.map(({ key, reason }) => [foldAddress(key), reason]));
  const key = emailKeys.find((each) => reasons.has(foldAddress(each)));
  return key === undefined ? undefined : { key, reason: reasons.get(foldAddress(key)) ?? null };
}

function refused(message: string): AppError {
  return new AppError('test-refused', message, { help: 'Nothing was sent.' });
}
