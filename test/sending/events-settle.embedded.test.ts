import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { storeEvents } from '../../src/sending/events/event-store.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { reconcile } from '../../src/workflow/duties.ts';
import { takeEvents } from '../../src/workflow/week.ts';
import { runCommand } from '../helpers/command.ts';
import { eventAbout, WEBHOOK_SECRET } from '../helpers/events.ts';
import {
  ageClaim,
  batchRow,
  deliveriesOf,
  expireLeases,
  onlyReaders,
  sendingIssue,
} from '../helpers/ledger.ts';
import { type DatabaseLocation, embeddedLocation } from '../helpers/locations.ts';
import { type Behaviour, Provider } from '../helpers/provider.ts';

let location: DatabaseLocation;
beforeAll(async () => {
  location = await embeddedLocation();
});
afterAll(async () => {
  await location?.[Symbol.asyncDispose]();
});

/** An installation that sends through Resend and receives its events, with this provider in Resend's place. */
function openApp() {
  const { config, secrets } = loadConfig({
    DATA_DIR: location.dataDir,
    LOG_LEVEL: 'silent',
    RESEND_API_KEY: 're_nobody',
    RESEND_BASE_URL: 'http://127.0.0.1:9',
    RESEND_WEBHOOK_SECRET: WEBHOOK_SECRET,
  });
  const provider: Partial<Provider> = new Provider();
  // Resend cannot be asked about an earlier request.
  Object.assign(provider, { recall: undefined });
  return createApp(config, secrets, { mailer: provider as Provider });
}

/** An issue with one batch whose response is lost for good, and whose first reader has unsubscribed. */
async function uncertainIssue(app: Awaited<ReturnType<typeof openApp>>, behaviour: Behaviour) {
  const readers = await onlyReaders(app.db, [[], [], []]);
  const issue = await sendingIssue(app.db);
  const submit = createSubmitter(app.db, new Provider(behaviour), app.keys);
  const [batch = ''] = issue.batches;
  await submit(batch);
  await unsubscribe(app.db, readers[0] ?? '', 'test');
  await expireLeases(app.db);
  await ageClaim(app.db, batch, 21);
  await submit(batch);
  expect(await batchRow(app.db, batch)).toMatchObject({ status: 'uncertain' });
  const plan = JSON.stringify({ comparisons: [], notes: [] });
  await app.db.updateTable('issues').set({ plan }).where('id', '=', issue.id).execute();
  const { slug = '' } = (await findIssue(app.db, { id: issue.id })) ?? {};
  return { ...issue, slug, batch };
}

it('an event about an uncertain batch ends its issue (I10)', async () => {
  await using app = await openApp();
  const issue = await uncertainIssue(app, 'answer-lost');
  const [first] = (await deliveriesOf(app.db, issue.id)).values();
  await storeEvents(app.db, [eventAbout('email.delivered', first?.id ?? '')]);
  await takeEvents(app);
  expect(await findIssue(app.db, { id: issue.id })).toMatchObject({ status: 'sent' });
});

it('editors are notified once of a batch that needs a person and of an issue without events, until that is over', async () => {
  await using app = await openApp();
  const issue = await uncertainIssue(app, 'answer-lost');
  const about = async (subject: string) =>
    (await openNotices(app.db))
      // Its slot was years ago.
      .filter((notice) => notice.subject === subject && notice.kind !== 'nothing-sent')
      .map(({ kind }) => kind);
  await reconcile(app);
  expect([await about(issue.batch), await about(issue.slug)]).toEqual([[], []]);

  await ageClaim(app.db, issue.batch, 25);
  await app.db.deleteFrom('events').execute();
  const hourAgo = new Date(Date.now() - 3_600_000);
  await app.db.updateTable('issues').set({ prepared_at: hourAgo }).where('id', '=', issue.id).execute();
  const other = await app.db
    .insertInto('batches')
    .columns(['issue_id', 'variant_id', 'number', 'status', 'claimed_at'])
    .expression(
      app.db
        .selectFrom('batches')
        .select(({ lit, val }) => [
          'issue_id',
          'variant_id',
          lit(99).as('number'),
          val('submitted').as('status'),
          'claimed_at',
        ])
        .where('id', '=', issue.batch),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  await app.db
    .insertInto('deliveries')
    .values({
      ...{ issue_id: issue.id, batch_id: other.id, subscriber_id: randomUUID(), position: 0 },
      ...{ status: 'submitted', submitted_at: hourAgo },
    })
    .execute();
  await reconcile(app);
  await reconcile(app);
  expect([await about(issue.batch), await about(issue.slug)]).toEqual([
    ['batch-uncertain'],
    ['events-missing'],
  ]);

  const [first] = (await deliveriesOf(app.db, issue.id)).values();
  await storeEvents(app.db, [eventAbout('email.sent', first?.id ?? '')]);
  await takeEvents(app);
  await reconcile(app);
  expect([await about(issue.batch), await about(issue.slug)]).toEqual([[], []]);
  await app.db.deleteFrom('deliveries').where('batch_id', '=', other.id).execute();
  await app.db.deleteFrom('batches').where('id', '=', other.id).execute();
  await app.db.deleteFrom('tallies').where('holder', '=', other.id).execute();
});

it('`settle` lists uncertain batches and accepts one decision about each, and `status` shows both', async () => {
  let issue: Awaited<ReturnType<typeof uncertainIssue>>;
  {
    await using app = await openApp();
    issue = await uncertainIssue(app, 'answer-lost');
    await ageClaim(app.db, issue.batch, 25);
  }
  const run = (...args: string[]) => runCommand(args, { DATA_DIR: location.dataDir });

  const undecided = await run('settle', '--batch', issue.batch, '--accepted', '--not-accepted');
  expect([undecided.code, undecided.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: Settling takes a batch/),
  ]);

  const listed = await run('settle', '--issue', issue.slug);
  expect(listed.stderr).toBe('');
  expect(listed.stdout).toContain(
    `Uncertain: issue ${issue.slug}, batch 1, 3 readers: unanswered for more than 20 h`,
  );
  expect(listed.stdout).toContain('1 of them left since, 0 events about it');
  expect(listed.stdout).toContain(`verdict settle --batch ${issue.batch}`);
  expect((await run('status')).stdout).toContain(`verdict settle --batch ${issue.batch}`);

  const settled = await run('settle', '--batch', issue.batch, '--accepted', '--by', 'Ann', '--json');
  expect(JSON.parse(settled.stdout)).toMatchObject({
    batch: issue.batch,
    decision: 'accepted',
    by: expect.stringMatching(/^Ann at 20/),
    issue: { slug: issue.slug, status: 'sent' },
  });
  const again = await run('settle', '--batch', issue.batch, '--not-accepted');
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/is submitted, not uncertain/)]);
  const status = JSON.parse((await run('status', '--json')).stdout);
  expect(status).toMatchObject({ events: 'none', uncertain: [] });
  expect(status.issues.find(({ slug }: { slug: string }) => slug === issue.slug)).toMatchObject({
    status: 'sent',
    progress: { submitted: 3, uncertain: 0 },
    figures: { delivered: 0, left: 0 },
  });
});
