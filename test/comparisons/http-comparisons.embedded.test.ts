import { load } from 'cheerio';
import { HtmlValidate } from 'html-validate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findComparison, saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
  await saveComparisons(site.db, [HOSTILE]);
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const get = (url: string, headers: Record<string, string> = {}) => site.app.inject({ url, headers });
const page = async (url: string) => load((await get(url)).body);
const stored = async (slug: string) => {
  const found = await findComparison(site.db, slug);
  if (found === undefined) throw new Error(`no ${slug}`);
  return found;
};
const text = (node: { text(): string }) => node.text().replace(/\s+/g, ' ').trim();

const said = (lens: string, quote: string, call: 'ship' | 'skip' | null = null) => ({ lens, quote, call });
const nasty = '</script><script>alert(1)</script><!--\u2028';
const HOSTILE = comparison(
  'hammer-vs-nail',
  tool(`Hammer ${nasty}`, 75, {
    communityShip: 62,
    description: `Described. ${nasty}`,
    reviews: [said('builder', `Holds. ${nasty}`, 'ship'), said('skeptic', 'Bends.', 'skip')],
  }),
  tool('Nail', 0, {
    entryPrice: '$9 & up',
    reviews: [said('skeptic', 'Rusts.', 'skip'), said('founder', 'Sells.')],
  }),
);

describe('a comparison', () => {
  it("has everything that the site's page has", async () => {
    const $ = await page('/comparisons/hammer-vs-nail');
    const [a, b] = (await stored('hammer-vs-nail')).comparison.tools;
    expect($('h1').text()).toBe(`${a.name} vs Nail`);
    expect(text($('.marked.large'))).toMatch(/^Ship Hammer/);
    expect(text($('.because'))).toMatch(/reviewers.*readers/);
    const columns = $('.tool').toArray();
    expect(columns.map((column) => $(column).hasClass('picked'))).toEqual([true, false]);
    expect(columns.map((column) => text($(column).find('.mark')))).toEqual(['Ship', 'Skip']);
    expect(
      columns.map((column) =>
        $(column)
          .find('dd:not(.bar)')
          .toArray()
          .map((dd) => $(dd).text()),
      ),
    ).toEqual([
      ['75%', '62%', 'Free'],
      ['0%', '—', '$9 & up'],
    ]);
    expect(
      $('.bar rect')
        .toArray()
        .map((bar) => $(bar).attr('width')),
    ).toEqual(['75%', '62%', '0%']);
    for (const words of [a.category, a.tagline, b.tagline, b.description]) {
      expect($('.pair.tools').text()).toContain(words);
    }
    expect($('script[src], img, link[rel=stylesheet]').length).toBe(0);
    expect($('form[action="/subscribe"]').length).toBe(1);
    expect($('input[name=source]').attr('value')).toBe('comparison:hammer-vs-nail');
  });

  it('splits the scorecard by lens, and says when a reviewer wrote nothing', async () => {
    const $ = await page('/comparisons/hammer-vs-nail');
    expect(
      $('.lens')
        .toArray()
        .map((lens) => text($(lens).find('h3'))),
    ).toEqual(['Builder', 'Skeptic', 'Founder']);
    const sides = $('.lens')
      .toArray()
      .map((lens) =>
        $(lens)
          .find('.pair')
          .children()
          .toArray()
          .map((side) => text($(side)).slice(0, 12)),
      );
    expect(sides).toEqual([
      ['Ship Hammer ', '— nothing on'],
      ['Skip Hammer ', 'Skip Nail“Ru'],
      ['— nothing on', 'Nail“Sells.”'],
    ]);
  });

  it('has complete data for machines, and no text can end its script element', async () => {
    const answer = await get('/comparisons/hammer-vs-nail');
    const $ = load(answer.body);
    expect($('script').length).toBe(1);
    const data = JSON.parse($('script[type="application/ld+json"]').text());
    expect(data._verdict).toEqual((await stored('hammer-vs-nail')).comparison);
    expect(data).toMatchObject({
      '@context': 'https://schema.org',
      '@type': 'WebPage',
      isBasedOn: HOSTILE.url,
    });
    expect(data.mainEntity.itemListElement.length).toBe(2);
    const url = `${SITE.publicUrl}/comparisons/hammer-vs-nail`;
    expect($('link[rel=canonical]').attr('href')).toBe(url);
    expect($('meta[property="og:url"]').attr('content')).toBe(url);
    expect($('meta[property="og:title"]').attr('content')).toMatch(/ vs Nail: Ship Hammer/);
    expect($('meta[name=description]').attr('content')).toMatch(/^Ship Hammer.*\.$/);
  });

  it('that was sent shows its issue, and each later change with its date', async () => {
    const url = '/comparisons/inkwell-vs-ferret';
    const unmoved = await page(url);
    expect(text(unmoved('article section'))).toBe(
      'As mailed in No. 2Tuesday, 24 November 2026. Nothing of it changed since.',
    );
    expect(unmoved('article section a').attr('href')).toBe('/issues/2026-11-24');

    const { comparison: mailed } = await stored('inkwell-vs-ferret');
    const [a, b] = mailed.tools;
    const now: Comparison = {
      ...mailed,
      tools: [
        { ...a, panelShip: 50 },
        { ...b, entryPrice: '$15/mo' },
      ],
    };
    await saveComparisons(site.db, [now]);
    const moved = await page(url);
    const today = (await stored('inkwell-vs-ferret')).changedAt.toISOString();
    expect(
      moved('.changes li')
        .toArray()
        .map((li) => text(moved(li)).replace(/ \([^)]*\)$/, '')),
    ).toEqual([
      'Verdict: Ship Inkwell → Split on Inkwell',
      'Panel on Inkwell: 100% → 50%',
      'Entry price of Ferret: $12/mo → $15/mo',
    ]);
    expect(
      moved('.changes time')
        .toArray()
        .map((time) => moved(time).attr('datetime')),
    ).toEqual([today, today, today]);

    // As it was mailed: nothing changed, however many revisions lie between.
    await saveComparisons(site.db, [mailed]);
    expect(text((await page(url))('article section'))).toContain('Nothing of it changed since.');
  });

  it('that was never sent has no such part; there is always a link to the next issue', async () => {
    const $ = await page('/comparisons/hammer-vs-nail');
    expect($('main').text()).not.toContain('As mailed');
    expect(
      $('main > section a')
        .toArray()
        .map((a) => $(a).attr('href')),
    ).toEqual(['/issues/2026-11-24', '/issues.atom']);
  });

  it('is found by letters of any script, composed or not, and only by its own', async () => {
    const slug = 'reed-vs-データ舟';
    for (const url of [encodeURIComponent(slug), encodeURIComponent(slug.normalize('NFD'))]) {
      const answer = await get(`/comparisons/${url}`);
      expect(answer.statusCode).toBe(200);
      expect(load(answer.body)('link[rel=canonical]').attr('href')).toBe(
        `${SITE.publicUrl}/comparisons/${encodeURIComponent(slug)}`,
      );
    }
    const long = `${'舟'.repeat(78)}-vs-${'車'.repeat(78)}`;
    await saveComparisons(site.db, [comparison(long, tool('舟', 50), tool('車', 50))]);
    expect((await get(`/comparisons/${encodeURIComponent(long)}`)).statusCode).toBe(200);
    for (const url of ['nothing', 'Hammer-vs-Nail', 'a%00b', '..%2fissues', 'x'.repeat(400), '%27or%271']) {
      const answer = await get(`/comparisons/${url}`, { accept: 'text/html' });
      expect([url, answer.statusCode, load(answer.body)('h1').text()]).toEqual([
        url,
        404,
        'There is no such page',
      ]);
    }
    expect((await get('/comparisons/%zz')).statusCode).toBe(400);
  });
});

describe('the list', () => {
  it('has every comparison, newest first, page by page, each once', async () => {
    await saveComparisons(
      site.db,
      Array.from({ length: 65 }, (_, n) => ({
        ...comparison(
          `oak-${n}-vs-elm`,
          tool(`Oak ${n}`, 50, { category: 'Trees & Timber' }),
          tool('Elm', 0),
        ),
        publishedAt: `2026-01-0${1 + (n % 3)}T10:00:00Z`,
      })),
    );
    const seen: string[] = [];
    const days: string[] = [];
    for (let url: string | undefined = '/comparisons'; url; ) {
      const $ = await page(url);
      expect($('h1').text()).toBe('Every comparison');
      expect($('link[rel=canonical]').attr('href')).toBe(`${SITE.publicUrl}${url}`);
      seen.push(
        ...$('.entries h2 a')
          .toArray()
          .map((a) => $(a).attr('href') ?? ''),
      );
      days.push(
        ...$('.entries time')
          .toArray()
          .map((time) => $(time).attr('datetime') ?? ''),
      );
      url = $('link[rel=next]').attr('href');
      expect(url).toBe(
        $('nav[aria-label=Pages] a')
          .toArray()
          .map((a) => $(a))
          .find((a) => a.text() === 'Older')
          ?.attr('href'),
      );
    }
    const { count } = await site.db
      .selectFrom('comparisons')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    expect(seen.length).toBe(Number(count));
    expect(new Set(seen).size).toBe(seen.length);
    expect(days).toEqual([...days].sort().reverse());
    expect(seen).toContain(`/comparisons/${encodeURIComponent('reed-vs-データ舟')}`);
  });

  it('shows one topic, whatever its case, and keeps it from page to page', async () => {
    const first = await page('/comparisons?topic=trees+%26+timber');
    expect(first('h1').text()).toBe('Comparisons of Trees & Timber');
    expect(first('nav [aria-current=page]').text()).toBe('Trees & Timber');
    expect(first('.entries li').length).toBe(30);
    const third = await page(
      (await page(first('link[rel=next]').attr('href') ?? ''))('link[rel=next]').attr('href') ?? '',
    );
    expect(third('.entries li').length).toBe(5);
    expect(third('link[rel=next]').length).toBe(0);
    expect(
      first('nav[aria-label=Topics] a')
        .toArray()
        .map((a) => first(a).text()),
    ).toEqual(['Everything', 'Audio & Music', 'Coding', 'Trees & Timber', 'Writing']);
  });

  it.each(['topic=Nothing', 'topic=', 'topic=%00', 'topic=a&topic=b', 'after=Not+A+Slug', 'after='])(
    '?%s: 404',
    async (query) => {
      expect((await get(`/comparisons?${query}`)).statusCode).toBe(404);
    },
  );

  it('shows an empty page after the last one, and says so', async () => {
    const answer = await get('/comparisons?after=never-heard-of');
    expect([answer.statusCode, answer.body.includes('There is no comparison further on.')]).toEqual([
      200,
      true,
    ]);
  });
});

describe('both pages', () => {
  const urls = [
    '/comparisons',
    '/comparisons/hammer-vs-nail',
    '/comparisons/kestrel-vs-quillwright',
    '/comparisons?topic=Writing',
  ];

  it.each(urls)('%s: a client with the current version gets 304, until it changes', async (url) => {
    const answer = await get(url);
    const { etag, 'last-modified': modified } = answer.headers as Record<string, string>;
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
    for (const headers of [{ 'if-none-match': String(etag) }, { 'if-modified-since': String(modified) }]) {
      expect((await get(url, headers)).statusCode).toBe(304);
    }
    const head = await site.app.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.body, head.headers.etag]).toEqual([200, '', etag]);
    expect((await site.app.inject({ method: 'POST', url })).statusCode).toBe(405);
  });

  it.each(urls)('%s is valid HTML', async (url) => {
    const report = await new HtmlValidate({
      extends: ['html-validate:recommended'],
      // React closes void elements, and writes attributes in its own way.
      rules: {
        'void-style': 'off',
        'form-dup-name': ['error', { shared: ['checkbox'] }],
        'attr-case': 'off',
        'doctype-style': 'off',
        'long-title': 'off',
        'no-inline-style': 'error',
        'attribute-boolean-style': 'off',
        'no-trailing-whitespace': 'off',
      },
    }).validateString((await get(url)).body);
    expect(
      report.results.flatMap(({ messages }) =>
        messages.map(({ ruleId, message }) => `${ruleId}: ${message}`),
      ),
    ).toEqual([]);
  });
});
