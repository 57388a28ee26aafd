import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { AppError } from '../../src/platform/errors.ts';
import { readRobots } from '../../src/sources/crawl/robots.ts';
import { bounded, checkComparison } from '../../src/sources/faults.ts';
import { formatSource, gather, parseSource } from '../../src/sources/gather.ts';
import { gatherFolder } from '../../src/sources/gather-folder.ts';
import { readFeed } from '../../src/sources/listing/feed.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { comparison } from '../helpers/arbitraries.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { comparisons } from '../helpers/site-server.ts';

const FERRET = {
  url: 'https://verdicts.example/compare/ferret-vs-otter',
  tools: ['Ferret', 'Otter'].map((name) => ({
    name,
    category: 'Search',
    tagline: 'Finds it',
    description: 'It finds things.',
    panelShip: 75,
    entryPrice: 'Free',
    reviews: [{ lens: 'Builder', quote: 'It finds them.', call: 'ship' }],
  })),
};

const MARKDOWN = `---
url: https://verdicts.example/compare/heron-vs-stork
publishedAt: 2026-11-18T09:00:00+01:00
tools:
  - name: Heron
    category: Data
    tagline: "Waits: then strikes"
    entryPrice: $20/mo
    panelShip: 67%
    communityShip: 62%
  - name: Stork
    category: Data
    tagline: Delivers
    entryPrice: Free
    panelShip: 33
---

## Heron

Stands in the stream of your events,

and takes the one that matters.

### Builder: ship

> One binary,
> no daemon.

### The Night-shift nurse — skip

> It beeps.

## STORK

Brings the results to the door.

### Builder
> Eventually.
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verdict-sources-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
    await writeFile(join(folder, name), text);
  }
}

describe('a folder', () => {
  it('gives the comparisons written to it, one a file or many', async () => {
    const values = fc.sample(comparison(), { numRuns: 30, seed: 3 });
    const distinct = values.filter(
      (value, index) =>
        values.findIndex((other) =>
          other.tools.every((tool) => value.tools.some(({ name }) => name === tool.name)),
        ) === index,
    );
    const numbered = distinct.map((value, index) => ({ ...value, slug: `number-${index}` }));
    await put({ 'a.json': numbered[0], 'b.json': numbered.slice(1) });
    expect(await gatherFolder(folder)).toMatchObject({ comparisons: numbered, rejected: [] });
  });

  it('reads Markdown as people write it', async () => {
    await put({ 'heron.md': MARKDOWN });
    const { comparisons, rejected } = await gatherFolder(folder);
    expect(rejected).toEqual([]);
    expect(comparisons).toEqual([
      {
        slug: 'heron-vs-stork',
        url: 'https://verdicts.example/compare/heron-vs-stork',
        publishedAt: '2026-11-18T09:00:00+01:00',
        tools: [
          {
            name: 'Heron',
            category: 'Data',
            tagline: 'Waits: then strikes',
            description: 'Stands in the stream of your events, and takes the one that matters.',
            panelShip: 67,
            communityShip: 62,
            entryPrice: '$20/mo',
            reviews: [
              { lens: 'builder', quote: 'One binary, no daemon.', call: 'ship' },
              { lens: 'night-shift nurse', quote: 'It beeps.', call: 'skip' },
            ],
          },
          {
            name: 'Stork',
            category: 'Data',
            tagline: 'Delivers',
            description: 'Brings the results to the door.',
            panelShip: 33,
            communityShip: null,
            entryPrice: 'Free',
            reviews: [{ lens: 'builder', quote: 'Eventually.', call: null }],
          },
        ],
      },
    ]);
    await put({ 'heron.md': MARKDOWN.replaceAll('\n', '\r\n') });
    const crlf = await gatherFolder(folder);
    expect(crlf.comparisons).toEqual(comparisons);
  });

  it('waits for no pipe, and follows no link out of the folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'verdict-outside-'));
    try {
      await writeFile(join(outside, 'secret.json'), 'swordfish');
      await put({ 'good.json.txt': '', '.kept.json': FERRET });
      execFileSync('mkfifo', [join(folder, 'a.json')]);
      await symlink(join(outside, 'secret.json'), join(folder, 'b.json'));
      await symlink('/dev/zero', join(folder, 'c.json'));
      await symlink(join(folder, 'a.json'), join(folder, 'd.json'));
      await symlink(join(folder, 'nowhere'), join(folder, 'e.md'));
      await symlink(folder, join(folder, 'f.json'));
      await symlink('.kept.json', join(folder, 'g.json'));
      const { comparisons, rejected } = await gatherFolder(folder);
      expect(comparisons).toHaveLength(1);
      expect(rejected.map(({ name, reason }) => [name, reason])).toEqual([
        ['a.json', 'no ordinary file'],
        ['b.json', 'a link that leads out of the folder'],
        ['c.json', 'a link that leads out of the folder'],
        ['d.json', 'no ordinary file'],
        ['e.md', 'a link that leads nowhere'],
        ['f.json', 'a link that leads out of the folder'],
        ['good.json.txt', 'neither .json nor .md'],
      ]);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it('names each invalid file and its reason, and continues', async () => {
    const without = (field: string) => ({
      ...FERRET,
      tools: [FERRET.tools[0], { ...FERRET.tools[1], name: 'Elsewhere', [field]: undefined }],
    });
    await put({
      '01-good.json': FERRET,
      '02-again.json': { ...FERRET, slug: 'another-slug', tools: [...FERRET.tools].reverse() },
      '03-broken.json': '{\n "slug": "a",\n oops\n}',
      '04-field.json': without('entryPrice'),
      '05-list.json': [{ ...without('name'), slug: 'x' }, 7],
      '06-no-front.md': '## Ferret\nHello',
      '07-yaml.md': '---\ntools: [\n---\n',
      '08-stray.md': MARKDOWN.replace('## STORK', '## Storck'),
      '09-unquoted.md': MARKDOWN.replace('> It beeps.', 'It beeps.'),
      '10-big.json': ' '.repeat(1_000_001),
      '11-latin.json': Buffer.from([0x22, 0xe9, 0x22]),
      '12-other.yaml': 'a: 1',
      '13-range.md': MARKDOWN.replace('panelShip: 33', 'panelShip: 133')
        .replaceAll('Stork', 'Crane')
        .replace('STORK', 'Crane'),
      '14-empty.json': '',
      'README.md': 'About this folder',
      '.hidden.json': 'nope',
    });
    await mkdir(join(folder, 'folder.json'));
    const { comparisons, rejected } = await gatherFolder(folder);
    expect(comparisons.map(({ slug }) => slug)).toEqual(['ferret-vs-otter']);
    const reasons = Object.fromEntries(rejected.map(({ name, reason }) => [name, reason]));
    expect(Object.keys(reasons)).toEqual([
      '02-again.json',
      '03-broken.json',
      '04-field.json',
      '05-list.json[0]',
      '05-list.json[1]',
      '06-no-front.md',
      '07-yaml.md',
      '08-stray.md',
      '09-unquoted.md',
      '10-big.json',
      '11-latin.json',
      '12-other.yaml',
      '13-range.md',
      '14-empty.json',
    ]);
    expect(reasons['02-again.json']).toBe('the same comparison as in 01-good.json');
    expect(reasons['03-broken.json']).toMatch(/^not JSON: .*line 3$/u);
    expect(reasons['04-field.json']).toBe('tools.1.entryPrice: missing');
    expect(reasons['05-list.json[0]']).toBe('tools.1.name: missing');
    expect(reasons['06-no-front.md']).toContain('front matter');
    expect(reasons['07-yaml.md']).toMatch(/^front matter is not YAML: .* line \d/u);
    expect(reasons['08-stray.md']).toBe('"## Storck" is not the name of one of the tools');
    expect(reasons['09-unquoted.md']).toContain('no block quote');
    expect(reasons['10-big.json']).toBe('1.0 MB, at most 1 MB is read');
    expect(reasons['11-latin.json']).toBe('not UTF-8 text');
    expect(reasons['12-other.yaml']).toBe('neither .json nor .md');
    expect(reasons['13-range.md']).toMatch(/^tools\.1\.panelShip: /u);
    for (const reason of Object.values(reasons)) expect(reason).not.toContain('\n');
  });

  it('that does not exist is one clear error', async () => {
    const missing = join(folder, 'nowhere');
    await expect(gatherFolder(missing)).rejects.toMatchObject({
      code: 'source-missing',
      message: `The folder "${missing}" does not exist.`,
    });
    await put({ file: 'x' });
    await expect(gatherFolder(join(folder, 'file'))).rejects.toThrow('is a file');
  });
});

describe('gather', () => {
  it('uses each comparison from the first source that has it, and reports every source', async () => {
    const [first, second, missing] = ['a', 'b', 'c'].map((name) => join(folder, name));
    await mkdir(join(folder, 'a'));
    await mkdir(join(folder, 'b'));
    await put({ 'a/1.json': FERRET, 'b/1.json': FERRET, 'b/2.md': MARKDOWN, 'b/3.json': '{' });
    const sources = [first, second, missing].map((path) => parseSource(`folder:${path}`));
    const { comparisons, rejected, sources: reports } = await gather(sources);
    expect(comparisons.map(({ slug }) => slug)).toEqual(['ferret-vs-otter', 'heron-vs-stork']);
    expect(rejected.map(({ name }) => name)).toEqual(['3.json']);
    expect(reports).toMatchObject([
      { source: `folder:${first}`, comparisons: 1, rejected: 0, fault: null },
      { source: `folder:${second}`, comparisons: 1, rejected: 1, duplicates: 1, fault: null },
      { source: `folder:${missing}`, comparisons: 0, rejected: 0, fault: { code: 'source-missing' } },
    ]);
    expect(await gather([])).toMatchObject({ comparisons: [], rejected: [], sources: [] });
  });
});

describe('parseSource', () => {
  it('parses folders', () => {
    expect(parseSource(' folder:samples/comparisons ')).toEqual({
      kind: 'folder',
      path: 'samples/comparisons',
    });
    expect(parseSource('folder:C:\\files')).toEqual({ kind: 'folder', path: 'C:\\files' });
  });

  it('parses feeds and sites, in one spelling', () => {
    expect(parseSource('feed:HTTPS://Verdicts.example/feed.json#top')).toEqual({
      kind: 'feed',
      url: 'https://verdicts.example/feed.json',
    });
    expect(formatSource(parseSource('site:https://verdicts.example'))).toBe('site:https://verdicts.example/');
  });

  it.each([
    '',
    'samples',
    'folder:',
    'folder: ',
    'ftp:x',
    'feed:',
    'site:verdicts.example',
    'feed:file:///etc/passwd',
    'site:https://user:pw@verdicts.example/',
  ])('refuses "%s"', (text) => {
    expect(() => parseSource(text)).toThrow(AppError);
  });
});

describe('a JSON Feed', () => {
  it('may be an ordinary one with links only', () => {
    const items = [
      { url: 'https://site.example/a' },
      { id: 'https://site.example/b', date_published: '2026-11-18' },
    ];
    const feed = readFeed(
      JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items }),
      'https://site.example/',
    );
    expect(feed.entries).toEqual([
      { url: 'https://site.example/a', publishedAt: null, inline: undefined },
      { url: 'https://site.example/b', publishedAt: '2026-11-18T00:00:00.000Z', inline: undefined },
    ]);
  });
});

describe('input', () => {
  const pair = (more: object) => ({
    ...FERRET,
    slug: 'ferret-vs-otter',
    tools: FERRET.tools.map((tool) => ({ ...tool, ...more })),
  });

  it('has at most as many faults as a person can fix, each short enough to read', () => {
    const reviews = Array.from({ length: 12 }, () => ({ lens: 'x'.repeat(5_000), quote: 3, call: 'maybe' }));
    const { faults } = checkComparison(pair({ reviews }));
    expect(faults).toHaveLength(21);
    expect(faults.at(-1)).toEqual({ field: '', reason: 'and 52 more' });
    expect(bounded([{ field: 'f', reason: `\u202e${'y'.repeat(1_000_000)}` }])).toEqual([
      { field: 'f', reason: `${'y'.repeat(300)}…` },
    ]);
  });

  it('has at most a page of text, and no characters that reorder or hide others', () => {
    const quote = 'x'.repeat(4_000);
    const long = checkComparison(pair({ reviews: Array(4).fill({ lens: 'Builder', quote }) }));
    expect(long.faults).toEqual([
      { field: 'tools', reason: expect.stringMatching(/^has 3\d,\d{3} characters, more than the 30,000 /) },
    ]);
    const { comparison } = checkComparison(
      pair({ tagline: '\u202eFinds\u200b it\u2066 \uFEFF, 👩‍💻 na\u00adïve\u200f ' }),
    );
    expect(comparison?.tools[0].tagline).toBe('Finds it , 👩‍💻 naïve');
  });

  it('has a URL that can be stored', () => {
    const long = `https://site.example/${'a'.repeat(2_000)}`;
    const feed = {
      version: 'https://jsonfeed.org/version/1.1',
      items: [long, '/here'].map((url) => ({ id: url, url })),
    };
    expect(readFeed(JSON.stringify(feed), 'https://site.example/feed').entries.map(({ url }) => url)).toEqual(
      ['https://site.example/here'],
    );
    const robots = `Sitemap: ${long}\nSitemap: /map.xml`;
    expect(readRobots('https://site.example/robots.txt', robots, 'x').sitemaps).toEqual([
      'https://site.example/map.xml',
    ]);
    const [one] = comparisons(1) as [Comparison];
    const page = HTML_LAYOUTS.table?.(one) ?? '';
    expect(() => readPage(page, { base: long.replace('site', 'other') })).toThrow(
      'url: longer than 2,000 characters',
    );
  });
});
