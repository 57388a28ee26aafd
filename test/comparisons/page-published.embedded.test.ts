import { afterAll, beforeAll, expect, it } from 'vitest';
import { listComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { openSite, type TestSite } from '../helpers/site.ts';

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.[Symbol.asyncDispose]());

it('another installation can gather the pages that we publish', async () => {
  const published = await listComparisons(site.db, { limit: 100, publish: 'gathered' });
  expect(published.length).toBeGreaterThan(3);
  for (const { comparison } of published) {
    const { statusCode, body } = await site.app.inject(`/comparisons/${encodeURIComponent(comparison.slug)}`);
    expect(statusCode).toBe(200);
    const read: Comparison = readPage(body, {
      base: `https://verdicts.example/comparisons/${comparison.slug}`,
    });
    expect(read.tools).toEqual(comparison.tools);
  }
});
