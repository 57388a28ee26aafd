import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { axeFaults } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { openSite, type TestSite } from '../helpers/site.ts';

/**
 * The page of the seed as a reader sees it, and one with everything that the seed lacks. Set `SCREENSHOTS` to a folder
 * to view them.
 */

const seedFile = path.resolve(import.meta.dirname, '../../../shared/seed/comparison-page.txt');
const seed: Comparison | null = existsSync(seedFile) ? readPage(readFileSync(seedFile, 'utf8')) : null;

const said = (lens: string, quote: string, call: 'ship' | 'skip' | null) => ({ lens, quote, call });
/** Split panels, votes, long words, a lens on one side only, and a verdict that changed since it was mailed. */
const FULL = comparison(
  'hedge-maze-vs-データ舟',
  tool('Hedge & Maze Enterprise Edition (EU, self-hosted)', 75, {
    category: 'Developer Tools',
    tagline: 'Finds the way out of any repository, and says how it did',
    description:
      'It reads a repository once, keeps a map of it, and answers where a change belongs. Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft is one of its customers.',
    communityShip: 62,
    entryPrice: '€0.40 per 1M tokens, billed yearly',
    reviews: [
      said(
        'builder',
        'The map is a plain file and can be read without it. That alone earns a place in the build.',
        'ship',
      ),
      said('skeptic', 'Half of what it finds a search would find as well, at no price at all.', 'skip'),
      said(
        'founder',
        'The buyer is whoever pays for onboarding, and there is a line for that in every budget.',
        'ship',
      ),
      said('futurist', 'Maps will be part of every editor.', 'ship'),
    ],
  }),
  tool('データ舟', 25, {
    category: 'Search',
    tagline: '探すより早く見つかる。',
    description: 'Looks where you looked before.',
    communityShip: 0,
    entryPrice: '¥1,200/月',
    reviews: [
      said('builder', 'Nothing to install, and nothing to see.', 'skip'),
      said('skeptic', 'A bookmark with a subscription.', 'skip'),
    ],
  }),
);

describe.skipIf(noBrowser)(`comparisons in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let site: TestSite;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    site = await openSite();
    const [a, b] = FULL.tools;
    await site.publish('2026-12-01', [
      {
        ...FULL,
        tools: [
          { ...a, panelShip: 50 },
          { ...b, entryPrice: 'Free' },
        ],
      },
    ]);
    await saveComparisons(site.db, seed ? [FULL, seed] : [FULL]);
    await site.app.listen({ host: '127.0.0.1', port: 0 });
    origin = `http://127.0.0.1:${(site.app.server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
  });

  const pages = {
    full: `/comparisons/${encodeURIComponent(FULL.slug)}`,
    list: '/comparisons',
    ...(seed ? { seed: `/comparisons/${encodeURIComponent(seed.slug)}` } : {}),
  };
  const cases = Object.entries(pages).flatMap(([name, url]) =>
    [375, 1280].flatMap((width) =>
      (['light', 'dark'] as const).map((scheme) => ({ name, url, width, scheme })),
    ),
  );

  it.each(cases)(
    '$name at $width px, $scheme: axe finds nothing, and nothing scrolls sideways',
    async (one) => {
      await using page = await browser.newPage({
        viewport: { width: one.width, height: 900 },
        colorScheme: one.scheme,
      });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('request', (request) => {
        if (!request.isNavigationRequest()) complaints.push(`asked for ${request.url()}`);
      });
      await page.goto(`${origin}${one.url}`);
      expect(await axeFaults(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(one.width);
      expect(complaints.filter((text) => !/favicon/.test(text))).toEqual([]);
      const [low, small] = (await page.evaluate(`[
      [...document.querySelectorAll('.tap')].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML),
      [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && one.textContent && parseFloat(getComputedStyle(one).fontSize) < 14).map((one) => one.outerHTML),
    ]`)) as [string[], string[]];
      expect([low, small]).toEqual([[], []]);
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true });
        const file = path.join(process.env.SCREENSHOTS, `${one.name}-${one.width}-${one.scheme}.png`);
        await page.screenshot({ path: file, fullPage: true });
      }
    },
  );

  it.each([
    [375, 'one above the other'],
    [479, 'one above the other'],
    [480, 'side by side'],
    [1280, 'side by side'],
  ])('at %i px the tools are %s', async (width, where) => {
    await using page = await browser.newPage({ viewport: { width, height: 900 } });
    await page.goto(`${origin}${pages.full}`);
    const [[left, top], [otherLeft, otherTop]] = (await page.evaluate(
      "[...document.querySelectorAll('.tool')].map((one) => one.getBoundingClientRect()).map(({ left, top }) => [left, top])",
    )) as [[number, number], [number, number]];
    expect(otherLeft > left ? 'side by side' : 'one above the other').toBe(where);
    expect(otherTop > top).toBe(where === 'one above the other');
  });

  it('without styles and scripts everything is there, in reading order', async () => {
    await using context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 375, height: 900 },
    });
    const page = await context.newPage();
    await page.route('**/*', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({
        response: answer,
        body: (await answer.text()).replace(/<style>.*?<\/style>/s, ''),
      });
    });
    await page.goto(`${origin}${pages.full}`);
    // As it is rendered, not as it is written: block by block.
    const text = (await page.locator('main').innerText()).replace(/\s+/g, ' ');
    const order = [
      'AI tool comparison',
      'Hedge & Maze Enterprise Edition (EU, self-hosted) vs データ舟',
      'Ship Hedge & Maze',
      'Panel ship 75% Community ship, site.example 62% Entry price €0.40 per 1M tokens',
      'Skip データ舟',
      'Panel ship 25% Community ship, site.example 0% Entry price ¥1,200/月',
      'Reviewer scorecard',
      'Builder Ship Hedge & Maze',
      '“The map is a plain file',
      'Skip データ舟 “Nothing to install',
      'As mailed in No. 3',
      'Panel on Hedge & Maze Enterprise Edition (EU, self-hosted): 50% → 75%',
      'Entry price of データ舟: Free → ¥1,200/月',
      'Read the latest issue, No. 3',
    ];
    let at = -1;
    for (const words of order) {
      const next = text.indexOf(words, at + 1);
      expect(next, `"${words}" in "${text}"`).toBeGreaterThan(at);
      at = next;
    }
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: path.join(process.env.SCREENSHOTS, 'full-bare.png'), fullPage: true });
    }
  });

  it.skipIf(!seed)(
    'the seed: two unanimous panels, no votes yet, every reviewer in both columns',
    async () => {
      await using page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await page.goto(`${origin}${pages.seed}`);
      const { tools } = seed as Comparison;
      expect(await page.locator('h1').textContent()).toBe(`${tools[0].name} vs ${tools[1].name}`);
      expect(await page.locator('.tool dd:not(.bar)').allTextContents()).toEqual(
        tools.flatMap(({ panelShip, entryPrice }) => [`${panelShip}%`, '—', entryPrice]),
      );
      expect(await page.locator('blockquote').allTextContents()).toEqual(
        tools[0].reviews.flatMap(({ quote }, index) => [`“${quote}”`, `“${tools[1].reviews[index]?.quote}”`]),
      );
    },
  );
});
