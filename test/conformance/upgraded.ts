import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listIssues } from '../../src/issues/issue-store.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { describeOnTheirWay } from '../../src/sending/on-its-way.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import type { DatabaseLocation } from '../helpers/locations.ts';
import { migrateTo } from '../helpers/older-database.ts';
import { startResend } from '../resend/index.ts';

/** Made by earlier versions: they were killed while the answer to one batch was on its way. */
const RELEASES = ['0015-consent', '0017-in-place'];

interface Killed {
  rows: Record<string, object[]>;
  /** The request that the provider had accepted, and to which no answer was recorded. */
  inFlight: { batch: string; key: string; body: string };
}

/** A database of an earlier version that was killed in the middle of an issue. */
export function describeUpgraded(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(`an upgrade in the middle of an issue on ${name}`, () => {
    it.each(RELEASES)(
      'from %s: the same bytes are asked for again, and everybody has one mail',
      async (release) => {
        const file = path.join(import.meta.dirname, `../fixtures/upgrades/${release}.json`);
        const { rows, inFlight } = JSON.parse(readFileSync(file, 'utf8')) as Killed;
        await using location = await newLocation();
        await migrateTo(release, location, async (db) => {
          for (const [table, all] of Object.entries(rows)) {
            const columns = sql.join([...new Set(all.flatMap(Object.keys))].map((column) => sql.ref(column)));
            await sql`
            insert into ${sql.table(table)} (${columns}) overriding system value
            select ${columns} from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(all)}::jsonb)
          `.execute(db);
          }
          await sql`update batches set claimed_at = now() - interval '1 hour' where claimed_at is not null`.execute(
            db,
          );
        });

        await using provider = await startResend();
        const first = await fetch(`${provider.url}/emails/batch`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${provider.apiKey}`,
            'content-type': 'application/json',
            'idempotency-key': inFlight.key,
            'x-batch-validation': 'permissive',
          },
          body: inFlight.body,
        });
        expect(first.status).toBe(200);
        await using database = await location.open();
        const db = database.kysely;
        const [issue] = await listIssues(db, { status: ['sending'] });
        const id = issue?.id ?? '';
        expect(await describeOnTheirWay(db)).toEqual([
          expect.stringMatching(/^Issue 2026-12-01 is on its way, 20 of 24 /),
        ]);
        const mailer = openResend({ apiKey: provider.apiKey, baseUrl: provider.url });
        const submit = createSubmitter(db, mailer, ['k'.repeat(40)]);
        for (const batchId of await claimableBatches(db, id))
          expect((await submit(batchId)).kind).toBe('done');
        expect(await finishIssue(db, id)).toBe(true);

        // The provider compared the bytes: a request that differs is answered 409.
        expect(provider.requests.map(({ status }) => status)).toEqual([200, 200]);
        const accepted = provider
          .accepted()
          .map(({ deliveryId, id: providerId }) => [deliveryId, providerId]);
        const { rows: stored } = await sql<{ id: string; provider_id: string; batch_id: string }>`
        select id, provider_id, batch_id from deliveries where status = 'submitted'
      `.execute(db);
        const mine = stored.filter(({ batch_id }) => batch_id === inFlight.batch);
        expect(mine.map((each) => [each.id, each.provider_id]).toSorted()).toEqual(accepted.toSorted());
        expect(new Set(stored.map(({ provider_id }) => provider_id)).size).toBe(12);
        const excluded = { 'no-content': 12 };
        expect(await issueProgress(db, id)).toMatchObject({
          audience: 24,
          submitted: 12,
          uncertain: 0,
          excluded,
        });
        await assertInvariants(db, id);
      },
    );
  });
}
