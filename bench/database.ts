import type { App } from '../src/app/app.ts';
import { type Issue, listIssues } from '../src/issues/issue-store.ts';
import { freezeRest, prepareIssue } from '../src/sending/prepare-issue.ts';
import { keyId } from '../src/subscribers/tokens.ts';
import { approve } from '../src/workflow/week.ts';

/** Approves the issue of the seeded database: what the desk does before a send. */
export async function approved(app: App): Promise<Issue> {
  const [inReview] = await listIssues(app.db, { status: ['review'] });
  if (inReview === undefined) throw new Error('the database have no issue in review');
  return await approve(app, inReview);
}

/** With its whole audience frozen, and nothing submitted. */
export async function freeze({ db, config, keys }: App, issueId: string): Promise<void> {
  await prepareIssue(db, issueId, {
    from: config.mail.from,
    replyTo: config.mail.replyTo,
    newsletterName: config.newsletterName,
    publicUrl: config.publicUrl,
    keyId: keyId(keys[0]),
  });
  for await (const _batches of freezeRest(db, issueId));
}
