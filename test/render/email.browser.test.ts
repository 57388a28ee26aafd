import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';
import { hostileIssue } from '../fixtures/hostile-issue.ts';
import { axeFaults, NO_PAGE_RULES } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';

describe.skipIf(noBrowser)(`the digest in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  const open = async (html: string, width: number, colorScheme: 'light' | 'dark' = 'light') => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    await page.setContent(html);
    return page;
  };

  const cases = TEMPLATES.flatMap((template) =>
    [375, 600].flatMap((width) =>
      (['light', 'dark'] as const).map((scheme) => ({ template, width, scheme })),
    ),
  );

  it.each(cases)('$template at $width px, $scheme: axe is clean, nothing scrolls sideways', async (one) => {
    const { html } = await renderVariant(goldenIssue, one.template);
    await using page = await open(html, one.width, one.scheme);
    expect(await axeFaults(page, NO_PAGE_RULES)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(one.width);
  });

  it.each(TEMPLATES)('%s: a word of 5,000 characters does not stretch the page', async (template) => {
    const { html } = await renderVariant(hostileIssue(), template);
    await using page = await open(html, 375);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
  });

  it.each(TEMPLATES)(
    '%s: two tools side by side from 480 px, one above the other below',
    async (template) => {
      const { html } = await renderVariant(goldenIssue, template);
      const [first, second] = goldenIssue.lead.tools;
      for (const [width, beside] of [
        [479, false],
        [480, true],
      ] as const) {
        await using page = await open(html, width);
        const columnOf = (tagline: string) => page.locator('div', { hasText: tagline }).last().boundingBox();
        const left = await columnOf(first.tagline);
        const right = await columnOf(second.tagline);
        expect(
          left &&
            right &&
            (beside ? right.x > left.x && right.y === left.y : right.y > left.y && right.x === left.x),
        ).toBe(true);
      }
    },
  );

  it.each(TEMPLATES)(
    '%s: the first screen of a phone decides, and each of its rows is a link',
    async (template) => {
      const { html } = await renderVariant(goldenIssue, template);
      await using page = await browser.newPage({ viewport: { width: 375, height: 667 } });
      await page.setContent(html);
      const { lead, rows } = goldenIssue;
      const onScreen = async (text: string) => {
        const box = await page.getByText(text, { exact: true }).first().boundingBox();
        return box !== null && box.y + box.height <= 667;
      };
      expect(await onScreen(lead.verdict.because)).toBe(true);
      const links = await page.locator('a').all();
      const boxes = await Promise.all(links.slice(0, 1 + rows.length).map((link) => link.boundingBox()));
      expect(await Promise.all(links.slice(0, 5).map((link) => link.getAttribute('href')))).toEqual([
        lead.url,
        ...rows.slice(0, 4).map(({ url }) => url),
      ]);
      // The link of the lead and four rows, each as wide as the text.
      expect(boxes.filter((box) => box !== null && box.y + box.height <= 667).length).toBeGreaterThanOrEqual(
        4,
      );
      expect(boxes.slice(1).every((box) => box?.width === 335 && box.height >= 44)).toBe(true);
    },
  );

  it.each(TEMPLATES)(
    '%s: marks are told apart without style blocks and in forced colours',
    async (template) => {
      const { html } = await renderVariant(goldenIssue, template);
      for (const [body, forcedColors] of [
        [html.replace(/<style[\s\S]*?<\/style>/gu, ''), 'none'],
        [html, 'active'],
      ] as const) {
        await using page = await browser.newPage({ viewport: { width: 375, height: 667 }, forcedColors });
        await page.setContent(body);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
        const marks = (await page.evaluate(`[...document.querySelectorAll('b[style*=border]')].map((one) => [
        one.textContent, getComputedStyle(one).borderTopStyle, getComputedStyle(one).borderTopColor === getComputedStyle(one).color,
      ])`)) as [string, string, boolean][];
        expect(new Set(marks.map(([label]) => label))).toEqual(
          new Set(['✓\u00a0Ship', '✗\u00a0Skip', '◐\u00a0Split', '○\u00a0Second']),
        );
        expect(marks.filter(([, style, isInk]) => style !== 'solid' || !isInk)).toEqual([]);
      }
    },
  );

  it.each(TEMPLATES)('%s: text is at least 14 px, links are at least 44 px high', async (template) => {
    const { html } = await renderVariant(goldenIssue, template);
    await using page = await open(html, 375);
    const [small, low] = (await page.evaluate(`[
      [...document.querySelectorAll('body *')]
        .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && /[\\p{L}\\p{N}]/u.test(node.data)))
        .filter((one) => one.checkVisibility() && parseFloat(getComputedStyle(one).fontSize) < 14)
        .map((one) => one.outerHTML),
      [...document.querySelectorAll('a')].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML),
    ]`)) as [string[], string[]];
    expect(small).toEqual([]);
    expect(low).toEqual([]);
  });

  it.each(TEMPLATES)(
    '%s: makes no network request, so it looks the same without images',
    async (template) => {
      const { html } = await renderVariant(goldenIssue, template);
      const asked: string[] = [];
      await using page = await browser.newPage();
      await page.route('**', (route) => {
        asked.push(route.request().url());
        return route.abort();
      });
      await page.setContent(html, { waitUntil: 'load' });
      expect(asked).toEqual([]);
      expect(await page.locator('img, picture, video, svg').count()).toBe(0);
    },
  );
});
