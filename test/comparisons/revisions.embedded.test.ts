import type { Kysely, KyselyPlugin } from 'kysely';
import { describe, expect, it } from 'vitest';
import {
  findComparison,
  listComparisons,
  pushComparison,
  revisionsOf,
  saveComparisons,
} from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { describeChange } from '../../src/comparisons/revisions.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import * as revisions from '../../src/platform/db/migrations/0002-revisions.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { databaseForAll, embeddedLocation } from '../helpers/locations.ts';

let db: Connection;
/** Every statement sent through `db`, by its first word; except those that begin and end a transaction. */
const sent: string[] = [];

databaseForAll(embeddedLocation, (database) => {
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => {
      sent.push(node.kind);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  db = database.kysely.withPlugin(counting);
});

const save = async (all: Comparison[]) => {
  sent.length = 0;
  return { ...(await saveComparisons(db, all)), statements: sent.length };
};
const history = async (slug: string) => {
  const found = await findComparison(db, slug);
  const revisions = await revisionsOf(db, found?.id ?? '', 100);
  return revisions.map(({ number, changed }) => [number, changed.map(describeChange)]);
};

it('the first state is revision 1, each change adds one, an unchanged comparison none', async () => {
  const ab = comparison('a-vs-b', tool('A', 75), tool('B', 0));
  expect(await save([ab])).toMatchObject({ added: 1, changed: 0, unchanged: 0, refused: [] });
  expect(await history('a-vs-b')).toEqual([[1, []]]);
  const [a, b] = ab.tools;
  const swap = {
    ...ab,
    slug: 'b-vs-a',
    url: `${ab.url}?utm_source=feed#top`,
    tools: [b, a] as Comparison['tools'],
  };
  expect(await save([swap])).toEqual({ added: 0, changed: 0, unchanged: 1, refused: [], statements: 2 });
  const dearer = {
    ...swap,
    tools: [
      { ...b, entryPrice: '$9' },
      { ...a, panelShip: 100 },
    ] as Comparison['tools'],
  };
  expect(await save([dearer])).toMatchObject({ added: 0, changed: 1 });
  expect(await save([dearer])).toMatchObject({ unchanged: 1, statements: 2 });
  expect(await history('a-vs-b')).toEqual([
    [2, ['Panel on A: 75% → 100%', 'Entry price of B: Free → $9']],
    [1, []],
  ]);
  const found = await findComparison(db, 'a-vs-b');
  expect(found?.comparison.tools.map(({ name }) => name)).toEqual(['A', 'B']);
  expect(await findComparison(db, 'b-vs-a')).toBeUndefined();
});

it('a revision holds the whole state, and the row has the latest', async () => {
  const rows = await db
    .selectFrom('revisions as r')
    .innerJoin('comparisons as c', 'c.id', 'r.comparison_id')
    .select(['r.content_hash', 'r.at', 'c.changed_at', 'c.content_hash as current'])
    .where('c.slug', '=', 'a-vs-b')
    .orderBy('r.number', 'desc')
    .execute();
  expect(rows[0]?.content_hash).toBe(rows[0]?.current);
  expect(rows[0]?.at).toEqual(rows[0]?.changed_at);
  expect(rows[1]?.content_hash).not.toBe(rows[1]?.current);
});

it('a thousand at once: ten statements to change some and add some, two to change none', async () => {
  const many = (from: number, panel: number) =>
    Array.from({ length: 1000 }, (_, index) => {
      const n = from + index;
      return comparison(`left-${n}-vs-right-${n}`, tool(`Left ${n}`, panel), tool(`Right ${n}`, 0));
    });
  expect(await save(many(0, 50))).toMatchObject({ added: 1000, statements: 3 });
  expect(await save(many(0, 50))).toMatchObject({ unchanged: 1000, statements: 2 });
  const half = [...many(0, 50).slice(0, 495), ...many(0, 75).slice(495, 500), ...many(500, 50)];
  expect(await save(half)).toMatchObject({ added: 500, changed: 5, unchanged: 995, statements: 10 });
  const { count } = await db
    .selectFrom('revisions as r')
    .innerJoin('comparisons as c', 'c.id', 'r.comparison_id')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('c.slug', 'like', 'left-%')
    .executeTakeFirstOrThrow();
  expect(Number(count)).toBe(1505);
});

it('a tool renamed on its page stays the same comparison', async () => {
  const before = comparison('ink-vs-quill', tool('Ink', 75), tool('Quill', 0));
  const [ink, quill] = before.tools;
  const after: Comparison = {
    ...before,
    slug: 'inkwell-vs-quill',
    tools: [{ ...ink, name: 'Inkwell' }, quill],
  };
  await save([before]);
  expect(await save([after])).toMatchObject({ changed: 1, added: 0 });
  expect(await history('ink-vs-quill')).toEqual([
    [2, ['Name: Ink → Inkwell']],
    [1, []],
  ]);
  expect(await save([after])).toMatchObject({ unchanged: 1, statements: 2 });
});

describe('a push', () => {
  const one = comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 50));

  it('is created, unchanged or changed; and refused when slug or page belong to another', async () => {
    expect(await pushComparison(db, one)).toEqual({
      status: 'created',
      slug: one.slug,
      revision: 1,
      changed: [],
      hidden: false,
    });
    expect(await pushComparison(db, one)).toEqual({
      status: 'unchanged',
      slug: one.slug,
      revision: 1,
      changed: [],
      hidden: false,
    });
    const [orca, hedge] = one.tools;
    const turned: Comparison = {
      ...one,
      slug: 'hedge-vs-orca',
      tools: [hedge, { ...orca, communityShip: 12 }],
    };
    expect(await pushComparison(db, turned)).toEqual({
      status: 'changed',
      slug: one.slug,
      revision: 2,
      changed: [{ part: 'community', what: 'Community on Orca', from: '—', to: '12%' }],
      hidden: false,
    });
    const stranger = comparison('x-vs-y', tool('X', 0), tool('Y', 0));
    for (const field of ['slug', 'url'] as const) {
      expect(await pushComparison(db, { ...stranger, [field]: one[field] })).toEqual({
        status: 'refused',
        field,
        reason: 'belongs to the comparison of hedge and orca',
      });
    }
    expect(await findComparison(db, 'x-vs-y')).toBeUndefined();
  });

  it('two simultaneous pushes create one', async () => {
    const twin = comparison('twin-vs-lone', tool('Twin', 50), tool('Lone', 50));
    const both = await Promise.all([pushComparison(db, twin), pushComparison(db, twin)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['created', 'unchanged']);
  });
});

it('the list continues where it stopped, whatever was added meanwhile', async () => {
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listComparisons(db, { after, limit: 200, publish: 'gathered' });
    if (page.length === 0) break;
    seen.push(...page.map(({ comparison }) => comparison.slug));
    after = seen.at(-1);
    const n = seen.length;
    await saveComparisons(db, [comparison(`new-${n}-vs-late`, tool(`New ${n}`, 50), tool('Late', 50))]);
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.some((slug) => slug.startsWith('new-'))).toBe(false);
  const { count } = await db
    .selectFrom('comparisons')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('slug', 'not like', 'new-%')
    .executeTakeFirstOrThrow();
  expect(seen.length).toBe(Number(count));
});

it('a comparison from before revisions existed begins with the state of the migration', async () => {
  await save([comparison('older-vs-newer', tool('Older', 50), tool('Newer', 50))]);
  for (const name of ['comparisons_by_url', 'comparisons_newest', 'comparisons_by_change']) {
    await db.schema.dropIndex(name).execute();
  }
  await db.schema.dropTable('revisions').execute();
  await revisions.up(db as Connection & Kysely<unknown>);
  expect(await history('older-vs-newer')).toEqual([[1, []]]);
  const { missing } = await db
    .selectFrom('comparisons as c')
    .leftJoin('revisions as r', (join) =>
      join.onRef('r.comparison_id', '=', 'c.id').onRef('r.content_hash', '=', 'c.content_hash'),
    )
    .select(({ fn }) => fn.countAll<string>().as('missing'))
    .where('r.number', 'is', null)
    .executeTakeFirstOrThrow();
  expect(Number(missing)).toBe(0);
});
