import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { changeIssue, findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf, expireLeases, KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { databaseForAll, embeddedLocation } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';
import { type LocalResendOptions, startResend } from '../resend/index.ts';

/** Rows of the fault matrix that have no test file of their own. */
let db: Connection;
databaseForAll(embeddedLocation, (database) => {
  db = database.kysely;
});

const everything = (count: number) => Array.from({ length: count }, () => []);

/** A worker that mails through the local Resend. */
async function openLocal(options: LocalResendOptions = {}) {
  const provider = await startResend({ ratePerSecond: 1_000, ...options });
  const mailer = openResend({ apiKey: provider.apiKey, baseUrl: provider.url });
  return {
    provider,
    submit: createSubmitter(db, mailer, KEYS),
    [Symbol.asyncDispose]: async () => {
      await mailer[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** Submits until no batch of the issue can be claimed. */
async function workOff(issueId: string, submit: (batchId: string) => Promise<unknown>): Promise<void> {
  for (let open = await claimableBatches(db, issueId); open.length > 0; ) {
    for (const batch of open) await submit(batch);
    await expireLeases(db);
    open = await claimableBatches(db, issueId);
  }
}

describe('a stored address that the provider refuses', () => {
  const poisoned = async (count: number, at: number) => {
    const readers = await onlyReaders(db, everything(count));
    const bad = readers[at] ?? '';
    await sql`update subscribers set email = 'no address at all' where id = ${bad}`.execute(db);
    return { bad, issue: await sendingIssue(db) };
  };

  it('fault 18: fails alone, when the provider names it', async () => {
    const { bad, issue } = await poisoned(9, 4);
    await using local = await openLocal();
    await workOff(issue.id, local.submit);
    expect((await deliveriesOf(db, issue.id)).get(bad)).toMatchObject({ status: 'failed' });
    expect(local.provider.total).toBe(8);
    expect(await finishIssue(db, issue.id)).toBe(true);
    await assertInvariants(db, issue.id);
  });

  it('fault 10: fails alone, when the provider only says that one of the batch is invalid', async () => {
    const { bad, issue } = await poisoned(23, 17);
    await using local = await openLocal({ isPermissive: false });
    await workOff(issue.id, local.submit);
    const deliveries = [...(await deliveriesOf(db, issue.id)).values()];
    expect(deliveries.filter(({ status }) => status === 'failed').map((each) => each.subscriber_id)).toEqual([
      bad,
    ]);
    expect(local.provider.total).toBe(22);
    for (const { email, status } of deliveries) {
      if (status !== 'failed') expect(local.provider.copies(email)).toBe(1);
    }
    expect(await finishIssue(db, issue.id)).toBe(true);
    await assertInvariants(db, issue.id);
  });
});

describe('an undocumented response', () => {
  it('fault 8: for other bytes under the same key makes the batch uncertain, to be settled by evidence', async () => {
    await onlyReaders(db, everything(3));
    const issue = await sendingIssue(db);
    await using local = await openLocal();
    local.provider.plan({ kind: 'answer', status: 409, name: 'invalid_idempotent_request' });
    await workOff(issue.id, local.submit);
    expect(await issueProgress(db, issue.id)).toMatchObject({ uncertain: 3, failed: {}, submitted: 0 });
    expect(await finishIssue(db, issue.id)).toBe(false);
    await assertInvariants(db, issue.id);
  });

  it.each(['short', 'duplicated', 'reordered', 'error-in-200', 'truncated', 'html-in-200'] as const)(
    'fault 9: %s mails nobody twice and records nobody as failed',
    async (fault) => {
      await onlyReaders(db, everything(5));
      const issue = await sendingIssue(db);
      await using local = await openLocal();
      local.provider.plan(fault);
      await workOff(issue.id, local.submit);
      const progress = await issueProgress(db, issue.id);
      expect(progress.submitted + progress.uncertain).toBe(5);
      expect(progress.failed).toEqual({});
      expect(local.provider.total).toBe(5);
      await assertInvariants(db, issue.id);
    },
  );

  it.each(['reset-after', '504-accepted', '500-accepted'] as const)(
    'fault 7: %s is asked for again under the same key: one copy',
    async (fault) => {
      await onlyReaders(db, everything(4));
      const issue = await sendingIssue(db);
      await using local = await openLocal();
      local.provider.plan(fault);
      await workOff(issue.id, local.submit);
      expect(local.provider.total).toBe(4);
      expect(local.provider.requests.map(({ key }) => key)).toEqual(
        Array(2).fill(local.provider.requests[0]?.key),
      );
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    },
  );
});

describe('a big list', () => {
  it('fault 20: is frozen completely without loading it into memory, and a reader who unsubscribes at its end is still excluded', async () => {
    const readers = await onlyReaders(db, []);
    expect(readers).toEqual([]);
    await sql`
      with people as (
        insert into subscribers (email, email_key, status, confirmed_at)
        select 'big-' || n || '@readers.example', 'big-' || n || '@readers.example', 'active', now() - interval '1 day'
        from generate_series(1, 20000) n returning id
      )
      insert into consent_events (subscriber_id, event, method, source, at)
      select id, 'confirmed', 'import', 'test', now() - interval '1 day' from people
    `.execute(db);
    const issue = await sendingIssue(db, 20_000);
    expect(issue.batches).toHaveLength(200);
    const provider = new Provider();
    const submit = createSubmitter(db, provider, KEYS);
    const heapBefore = process.memoryUsage().heapUsed;
    await submit(issue.batches[0] ?? '');
    const last = issue.batches.at(-1) ?? '';
    const { rows } = await sql<{ id: string }>`
      select subscriber_id as id from deliveries where batch_id = ${last} order by position limit 1
    `.execute(db);
    await unsubscribe(db, rows[0]?.id ?? '', 'one_click');
    await submit(last);
    expect(await issueProgress(db, issue.id)).toMatchObject({
      audience: 20_000,
      submitted: 199,
      excluded: { unsubscribed: 1 },
    });
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(64_000_000);
    await assertInvariants(db, issue.id);
  });

  it('fault 20: is never read with OFFSET, which reads the skipped rows too', () => {
    const src = path.resolve(import.meta.dirname, '../../src');
    const stores = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('store.ts'),
    );
    expect(stores.length).toBeGreaterThan(5);
    for (const file of stores) {
      const code = readFileSync(path.join(src, file), 'utf8');
      expect(/\.offset\(|\boffset \$|\boffset \d/iu.test(code), file).toBe(false);
    }
  });
});

describe('an operator', () => {
  it('fault 25: who pauses and resumes ten times while an issue is sent restarts nothing', async () => {
    await onlyReaders(db, everything(430));
    const issue = await sendingIssue(db);
    const provider = new Provider();
    const submit = createSubmitter(db, provider, KEYS);
    for (let turn = 0; turn < 10; turn += 1) {
      await changeIssue(db, issue.id, { type: 'pause', reason: 'Paused by hand.' });
      await changeIssue(db, issue.id, { type: 'pause', reason: 'Paused twice.' });
      for (const batch of issue.batches) expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      await Promise.all([1, 2].map(() => changeIssue(db, issue.id, { type: 'resume' })));
      const [next] = await claimableBatches(db, issue.id);
      if (next !== undefined) await submit(next);
    }
    expect(new Set(provider.copies).size).toBe(430);
    expect(provider.copies).toHaveLength(430);
    expect(await finishIssue(db, issue.id)).toBe(true);
    await assertInvariants(db, issue.id);
  });

  it('fault 25: who cancels while an issue is sent stops only batches that are not submitted yet', async () => {
    await onlyReaders(db, everything(250));
    const issue = await sendingIssue(db);
    const provider = new Provider();
    const submit = createSubmitter(db, provider, KEYS);
    await submit(issue.batches[0] ?? '');
    await changeIssue(db, issue.id, { type: 'cancel' });
    await changeIssue(db, issue.id, { type: 'cancel' });
    for (const batch of issue.batches) expect(await submit(batch)).toEqual({ kind: 'unavailable' });
    await expect(changeIssue(db, issue.id, { type: 'resume' })).rejects.toMatchObject({
      code: 'issue-refuses',
    });
    expect((await findIssue(db, { id: issue.id }))?.status).toBe('cancelled');
    expect(provider.copies).toHaveLength(100);
    await assertInvariants(db, issue.id);
  });
});
