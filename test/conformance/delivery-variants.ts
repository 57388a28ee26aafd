import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { composeIssue } from '../../src/issues/compose-issue.ts';
import { findIssue, type Issue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { approveIssue, prepareIssue } from '../../src/sending/prepare-issue.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchesOf, deliveriesOf, ENVELOPE, KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

/** Which reader gets which variant, and in which batch. */
export function describeVariants(withDatabase: WithDatabase): void {
  describe('the audience', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    const writing = { category: 'Writing' };
    const audio = { category: 'Audio & Music' };
    const WEEK: Comparison[] = [
      comparison('inkwell-vs-ferret', tool('Inkwell', 100, writing), tool('Ferret', 25, writing)),
      comparison('reed-vs-lute', tool('Reed', 100, audio), tool('Lute', 50, audio)),
      comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 50)),
    ];

    /** Composed, approved and prepared by the real steps. */
    async function publish(meanwhile: () => Promise<unknown> = async () => {}): Promise<Issue> {
      await saveComparisons(db, WEEK);
      const slot = { key: '2026-11-24', label: '2026-11-24', dueAt: new Date('2026-11-24T09:00:00Z') };
      const settings = {
        newsletter: { name: 'Verdicts', url: 'https://verdicts.example', postalAddress: '1 Street, Town' },
        template: 'react:digest',
        minComparisons: 1,
        cards: 4,
      };
      const { id } = await composeIssue(db, slot, settings, new Date('2026-11-23T09:00:00Z'));
      await approveIssue(db, id);
      await meanwhile();
      const started = await Promise.all([prepareIssue(db, id, ENVELOPE), prepareIssue(db, id, ENVELOPE)]);
      expect(started.sort()).toEqual([false, true]);
      expect(await prepareIssue(db, id, ENVELOPE)).toBe(false);
      return (await findIssue(db, { id })) as Issue;
    }

    it('gets the variant of its topics; a reader without content or consent gets nothing', async () => {
      const readers = await onlyReaders(db, [
        [],
        ['Writing'],
        ['Audio & Music', 'Writing'],
        ['Robotics'],
        ['Robotics', 'writing'],
        ['Coding'],
      ]);
      // Set to active by hand, without an entry in the consent log.
      const { id: imposed } = await db
        .insertInto('subscribers')
        .values({
          email: 'imposed@readers.example',
          email_key: 'imposed@readers.example',
          status: 'active',
          topics: [],
          confirmed_at: new Date(),
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const issue = await publish();
      expect(issue.status).toBe('sending');
      await assertInvariants(db, issue.id);

      const deliveries = await deliveriesOf(db, issue.id);
      const provider = new Provider();
      const submit = createSubmitter(db, provider, KEYS);
      for (const batch of await batchesOf(db, issue.id)) await submit(batch);
      const carried = new Map(
        provider.requests.flatMap(({ messages }) =>
          messages.map(({ to, text }) => [
            to,
            WEEK.map(({ slug }) => slug).filter((slug) => text.includes(slug)),
          ]),
        ),
      );
      const [ink, reed, orca] = WEEK.map(({ slug }) => slug);
      const got = (id: string | undefined) => carried.get(deliveries.get(id ?? '')?.email ?? '')?.sort();
      expect(readers.map(got)).toEqual([
        [ink, orca, reed].sort(),
        [ink],
        [ink, reed].sort(),
        undefined,
        [ink],
        [orca],
      ]);
      expect(deliveries.get(readers[3] ?? '')).toMatchObject({
        status: 'excluded',
        reason: 'no-content',
        batch_id: null,
      });
      expect(deliveries.get(imposed)).toMatchObject({
        status: 'excluded',
        reason: 'no-consent',
        batch_id: null,
      });
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await issueProgress(db, issue.id)).toMatchObject({
        audience: 7,
        submitted: 5,
        excluded: { 'no-content': 1, 'no-consent': 1 },
      });
      await assertInvariants(db, issue.id);
    });

    it('is split into batches of one variant and at most a hundred, with each reader once', async () => {
      await onlyReaders(
        db,
        Array.from({ length: 230 }, (_, index) => (index < 205 ? [] : ['Writing'])),
      );
      const issue = await sendingIssue(db);
      const { rows } = await sql<{ number: number; readers: number; places: number[] }>`
      select b.number, count(*) as readers, array_agg(d.position order by d.position) as places
      from batches b join deliveries d on d.batch_id = b.id where b.issue_id = ${issue.id}
      group by b.number order by b.number
    `.execute(db);
      expect(rows.map(({ readers }) => readers)).toEqual([100, 100, 30]);
      for (const { readers, places } of rows)
        expect(places).toEqual(Array.from({ length: readers }, (_, at) => at));
      // Topics without a variant of their own get the general variant.
      expect((await deliveriesOf(db, issue.id)).size).toBe(230);
    });
  });
}
