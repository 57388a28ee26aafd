import { type KyselyPlugin, sql } from 'kysely';
import { expect, it } from 'vitest';
import { gatherAll } from '../../src/workflow/week.ts';
import { type Gatherer, gatheringForAll } from '../helpers/gathering.ts';

const MANY = 10_000;

let gatherer: Gatherer;
gatheringForAll((opened) => {
  gatherer = opened;
});

it(`requests ${MANY} unchanged pages once, conditionally, and writes only one row of history`, async () => {
  const { site, db } = gatherer;
  const source = `site:${site.origin}/`;
  const paths = Array.from({ length: MANY }, (_, index) => `/compare/${index}`);
  for (const each of ['/robots.txt', '/sitemap.xml', ...paths]) {
    site.handle(each, ({ headers }, response) => {
      response.writeHead(headers['if-none-match'] === '"known"' ? 304 : 500).end();
    });
  }
  const page = {
    source,
    status: 200,
    reader: 1,
    etag: '"known"',
    bodyHash: 'x',
    fetchedAt: '2026-11-01T00:00:00Z',
  };
  const rows = [
    { ...page, kind: 'robots', url: `${site.origin}/robots.txt`, listing: { text: '' } },
    {
      ...page,
      kind: 'sitemap',
      url: `${site.origin}/sitemap.xml`,
      listing: { kind: 'pages', entries: paths.map((each) => ({ url: site.origin + each, lastmod: null })) },
    },
    ...paths.map((each) => ({ ...page, kind: 'page', url: site.origin + each, pairKey: `pair of ${each}` })),
  ];
  await sql`
    insert into pages (url, source, kind, status, etag, body_hash, reader, pair_key, listing, fetched_at)
    select url, source, kind, status, etag, "bodyHash", reader, "pairKey", listing, "fetchedAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (url text, source text, kind text, status int, etag text,
      "bodyHash" text, reader int, "pairKey" text, listing jsonb, "fetchedAt" timestamptz)
  `.execute(db);

  const statements: string[] = [];
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => {
      statements.push(node.kind);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const app = gatherer.app([source], { db: db.withPlugin(counting) });
  const state = async () => {
    const { rows: found } = await sql`select count(*), max(xmin::text::bigint) from pages`.execute(db);
    return found[0];
  };
  const before = await state();
  expect(await gatherAll(app)).toMatchObject({
    added: 0,
    changed: 0,
    unchanged: MANY,
    rejected: [],
  });
  expect(await state()).toEqual(before);
  expect(site.requests).toHaveLength(MANY + 2);
  expect(site.requests.filter(({ status }) => status !== 304)).toEqual([]);
  expect(statements.length).toBeLessThan(12);
});
