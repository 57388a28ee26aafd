import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { allows, matches, readRobots } from '../../src/sources/crawl/robots.ts';
import { checkMarkup } from '../../src/sources/parse/markup-limits.ts';
import type { Kind } from '../../src/sources/thread/readers.ts';
import { READING_MS, read, stopReading } from '../../src/sources/thread/thread.ts';
import { ENDLESS, HOSTILE, RULES } from '../helpers/hostile-input.ts';

afterAll(stopReading);

const SITE = 'https://site.example/';
const robots = (text: string) => readRobots(`${SITE}robots.txt`, text, 'WeeklyVerdict');

/** CPU milliseconds of this process until `task` is done, over all its threads. */
async function cost(task: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('F8: the rules of robots.txt', () => {
  it('match like the regular expression that they stand for', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 12 }).map((all) => all.join(''));
    const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', 'ab', 'aab'), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, fc.boolean(), letters, (pieces, isWhole, path) => {
        const expression = new RegExp(`^${pieces.join('').replaceAll('*', '.*')}${isWhole ? '$' : ''}`, 'u');
        expect(matches(pieces.join('') + (isWhole ? '$' : ''), path)).toBe(expression.test(path));
      }),
      { numRuns: 3_000 },
    );
  });

  it('need time linear in the lengths of pattern and URL', async () => {
    const path = `/${'a'.repeat(100_000)}`;
    const pattern = `/*${`${'a'.repeat(1_000)}b*`.repeat(20)}$`;
    const stars = `/${'*a'.repeat(50_000)}*b`;
    const whole = `/*${'a'.repeat(50_000)}b$`;
    expect(await cost(() => [pattern, stars, whole].map((each) => matches(each, path)))).toBeLessThan(500);
  });

  it('are those of the groups that name us, longest first, or else those for every agent', () => {
    const rules = robots(
      'User-agent: *\nDisallow: /\nUser-agent: weeklyverdict/1.0\nUser-agent: Other\nDisallow: /a # not this\n\n' +
        'Allow: /a/b\nSitemap: /map.xml\nDisallow: /nobody\nUser-Agent: WeeklyVerdict\nDisallow: /*%c3%a9$\nCrawl-delay: 60',
    );
    const paths = ['', 'a', 'a/c', 'a/b', 'b', 'x/é', 'x/é/', 'nobody'];
    expect(paths.filter((path) => allows(rules, SITE + path))).toEqual(['', 'a/b', 'b', 'x/é/']);
    expect(allows(rules, 'https://elsewhere.example/a')).toBe(true);
    expect(rules).toMatchObject({ delayMs: 5_000, sitemaps: [`${SITE}map.xml`] });
    expect(allows(robots('User-agent: *\nDisallow: /a'), `${SITE}a`)).toBe(false);
  });

  it('are refused when there are too many to follow', () => {
    expect(() => robots(RULES)).toThrow('more than 1,000 rules for us');
    const others = RULES.replace('*', 'Other');
    expect(robots(others).rules).toEqual([]);
  });
});

describe('F8: markup', () => {
  it.each([
    ['20,000 elements', '<br>'.repeat(20_000), null],
    ['20,001 elements', '<br>'.repeat(20_001), 'more than 20,000 elements'],
    ['tags within a script', `<script>${'if (a<b) "<p>";'.repeat(30_000)}</script><p>`, null],
    ['tags within a comment', `<!-- ${'<p>'.repeat(30_000)} --><p>`, null],
    ['signs that are no tags', '1 < 2 <3 </'.repeat(30_000), null],
    ['500 attributes', `<p ${'a="x y z" '.repeat(500)}>`, null],
    ['501 attributes', `<p ${"a='x y' ".repeat(250)}${'a=b '.repeat(250)} a>`, 'more than 500 attributes'],
    ['501 attributes without white space', `<p/${'a/'.repeat(501)}>`, 'more than 500 attributes'],
    ['an attribute as long as a picture', `<img src="data:,${'x y '.repeat(100_000)}">`, null],
    ['a tag that does not end', `<p ${'a '.repeat(100_000)}`, 'more than 500 attributes'],
  ])('%s', (_, html, reason) => {
    if (reason === null) checkMarkup(html, 'html');
    else expect(() => checkMarkup(html, 'html')).toThrow(reason);
  });

  it('XML is limited in depth as well, because it closes its elements', () => {
    checkMarkup(`<a>${'<b><c x="/>"/></b>'.repeat(1_000)}${'<![CDATA[<b>]]>'.repeat(1_000)}</a>`, 'xml');
    expect(() => checkMarkup('<a>'.repeat(201), 'xml')).toThrow('nested more than 200 deep');
  });
});

/** Each parser with an input of its kind. */
const ASK: Partial<Record<Kind, (text: string) => Promise<unknown>>> = {
  page: (text) => read('page', Buffer.from(text), 'text/html', { base: SITE }),
  feed: (text) => read('feed', Buffer.from(`<rss><channel>${text}`), null, SITE),
  sitemap: (text) => read('sitemap', Buffer.from(`<urlset>${text}`), SITE),
  robots: (text) => read('robots', `${SITE}robots.txt`, text, 'WeeklyVerdict'),
  sent: (text) => read('sent', text, { site: SITE }),
  file: (text) => read('file', 'a.md', '.md', Buffer.from(`---\n${text}\n---\n`)),
};

describe('F8: all external input is read or refused within two seconds', () => {
  describe.each(Object.entries(HOSTILE))('%s', (_, { text, reason }) => {
    it.each(Object.keys(ASK) as Kind[])('as %s', async (kind) => {
      const outcome: { error?: Error } = {};
      const spent = await cost(async () => {
        await ASK[kind]?.(text).catch((error: Error) => Object.assign(outcome, { error }));
      });
      expect(spent).toBeLessThan(READING_MS + 1_000);
      if (kind !== 'robots') expect(outcome.error).toBeInstanceOf(Error);
      if (kind === 'page')
        expect(outcome.error).toMatchObject({
          code: 'page-unreadable',
          message: expect.stringMatching(reason),
        });
    });
  });

  it('input within the limits that takes too long is aborted, and the next is read', async () => {
    const before = read('robots', `${SITE}robots.txt`, '', 'x');
    const endless = read('page', ENDLESS, null, {});
    const after = read('robots', `${SITE}robots.txt`, 'Sitemap: /a', 'x');
    await expect(endless).rejects.toThrow(
      'could not be read within 2 seconds; make it shorter, and nest it less',
    );
    expect([(await before).sitemaps, (await after).sitemaps]).toEqual([[], [`${SITE}a`]]);
  });

  it('input that would use all memory is refused first: it might end the process', async () => {
    const feed = (items: string) => {
      const text = `{"version":"https://jsonfeed.org/version/1.1","items":[${items}{"url":"/a"}]}`;
      return read('feed', Buffer.from(text), null, SITE);
    };
    await expect(feed('[[],[],[]],'.repeat(2_000_000))).rejects.toThrow('more than 1,000,000 values');
    await expect(feed('1,'.repeat(60_000))).rejects.toThrow('more than 50,000 entries');
    const reviews = `[${'1,'.repeat(400_000)}1]`;
    const { inline } = await feed(
      `{"url":"/b","_verdict":{"tools":[{"reviews":${reviews}},{"reviews":[]}]}},`,
    );
    expect(inline.get(`${SITE}b`)).toMatchObject({
      faults: [{ field: 'tools.0.reviews', reason: 'more than 100' }],
    });
    const addresses = `${SITE}${'a'.repeat(960)}\n`.repeat(20_000);
    await expect(read('sitemap', Buffer.from(addresses), SITE)).rejects.toThrow('more than 10 MB');
    const facts = `---\n${'- a\n'.repeat(30_000)}\n---\n`;
    await expect(read('file', 'a.md', '.md', Buffer.from(facts))).rejects.toThrow('100,000 characters');
  });

  it('a running thread ends when the program stops, and an idle one serves the next program', async () => {
    await read('robots', `${SITE}robots.txt`, '', 'x');
    const threads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const waiting = read('page', ENDLESS, null, {});
    const running = threads();
    await Promise.all([expect(waiting).rejects.toThrow(), stopReading()]);
    expect(threads()).toBeLessThan(running);

    await read('robots', `${SITE}robots.txt`, '', 'x');
    const idle = threads();
    await stopReading();
    expect(threads()).toBe(idle);
  });
});
