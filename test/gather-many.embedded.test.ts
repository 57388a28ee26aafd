import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KyselyPlugin, sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../src/app.ts';
import { loadConfig } from '../src/config/index.ts';
import { type Database, openDatabase } from '../src/db/index.ts';
import { parseSource } from '../src/sources/index.ts';
import { gatherAll } from '../src/weekly.ts';
import { openSiteServer, type SiteServer } from './helpers/site-server.ts';

const MANY = 10_000;

let dir: string;
let database: Database;
let site: SiteServer;
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'verdict-many-'));
  database = await openDatabase({ databaseUrl: undefined, dataDir: path.join(dir, 'data') });
  site = await openSiteServer();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

it(`asks for ${MANY} unchanged pages once, conditionally, and writes nothing but a line of history`, async () => {
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
  `.execute(database.kysely);

  const statements: string[] = [];
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => {
      statements.push(node.kind);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const { config } = loadConfig({ DATA_DIR: dir, ALLOW_PRIVATE_SOURCES: '1' });
  const app = {
    config: { ...config, sources: [parseSource(source)] },
    db: database.kysely.withPlugin(counting),
    logger: pino({ level: 'silent' }),
    clock: () => new Date(),
  };
  const state = async () => {
    const { rows: found } = await sql`select count(*), max(xmin::text::bigint) from pages`.execute(
      database.kysely,
    );
    return found[0];
  };
  const before = await state();
  expect(await gatherAll(app as unknown as App)).toMatchObject({
    added: 0,
    changed: 0,
    unchanged: MANY,
    rejected: [],
  });
  expect(await state()).toEqual(before);
  expect(site.requests).toHaveLength(MANY + 2);
  expect(site.requests.filter(({ status }) => status !== 304)).toEqual([]);
  expect(statements.length).toBeLessThan(10);
});
