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

/** Addresses in one test: a newsroom, not a list. */
const MOST = 20;

export interface TestRequest extends PreviewRequest {
  issue: Issue;
  /** As typed, in any number. */
  to: readonly string[];
  who: string;
  /** From: of issues. */
  from: string;
  publicUrl: string;
  keyId: string;
  /** Writes down who did it, in the same transaction. */
  record?: (tx: Connection, addresses: number) => Promise<unknown>;
}

/**
 * Puts a test of an issue in the database: the bytes that would go out, frozen now, with a marked subject and links
 * for nobody. It never enters the ledger, and counts nothing.
 * @returns the mails to enqueue.
 * @throws AppError `test-refused` with the address at fault.
 */
export async function queueTest(db: Connection, request: TestRequest): Promise<string[]> {
  const { issue, who, keyId, record } = request;
  const addresses = new Map<string, string>();
  for (const typed of request.to) {
    const address = parseAddress(typed);
    if ('reason' in address) throw refused(`"${typed}" ${address.reason}.`);
    addresses.set(address.key, address.email);
  }
  if (addresses.size === 0 || addresses.size > MOST)
    throw refused(`A test goes to 1 to ${MOST} addresses; these are ${addresses.size}.`);
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

/** The first of these keys whose inbox is that of somebody who must not be mailed, and why not. */
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
