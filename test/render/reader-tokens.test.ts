import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { slugFor } from '../../src/comparisons/names.ts';
import { compose } from '../../src/issues/compose.ts';
import type { IssueContent } from '../../src/issues/content.ts';
import { applyEdit, NO_CHOICES } from '../../src/issues/edit.ts';
import { variantsOf } from '../../src/issues/variants.ts';
import { AppError } from '../../src/platform/errors.ts';
import { parseUrl } from '../../src/platform/url.ts';
import { messagesOf } from '../../src/providers/port.ts';
import { type RenderedVariant, renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { buildBatch, toSendable } from '../../src/sending/envelope.ts';
import { checkComparison } from '../../src/sources/faults.ts';
import { readPage } from '../../src/sources/gather.ts';
import { gatherFolder } from '../../src/sources/gather-folder.ts';
import { readFeed } from '../../src/sources/listing/feed.ts';
import { normalise } from '../../src/sources/parse/values.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { hostileText, hostileUrl } from '../helpers/bait.ts';
import { candidate, input, votesOn } from '../helpers/compose.ts';
import { tokenLinks } from '../helpers/reader-tokens.ts';

/**
 * F1: a mail has a reader's token only in links to PUBLIC_URL that our own template printed. Content arrives
 * through every kind of source, with placeholders in every field and every part of its URLs, and is mailed by both
 * engines; then the whole mail is searched.
 */

const PUBLIC_URL = 'https://verdicts.example';
const KEY = 'a key for this test and for nobody else';
const READER = {
  deliveryId: '00000000-0000-4000-8000-000000000001',
  subscriberId: '00000000-0000-4000-8000-000000000002',
  email: 'reader@readers.example',
  tokenVersion: 1,
};
const ENVELOPE = {
  from: 'Verdicts <digest@verdicts.example>',
  replyTo: 'Verdicts <digest@verdicts.example>',
  newsletterName: 'Weekly AI Tool Verdicts',
  publicUrl: PUBLIC_URL,
  keyId: keyId(KEY),
};

const folders = mkdtempSync(path.join(tmpdir(), 'wv-tokens-'));
afterAll(() => rmSync(folders, { recursive: true, force: true }));

/** The content of one pair of tools from a stranger, before any of our code has read it. */
interface Given {
  url: string;
  tools: Record<string, unknown>[];
}

/** As long as the model allows; names differ, so that no comparison replaces another. */
const given = (number: number): fc.Arbitrary<Given> => {
  const line = (max: number, start = '') =>
    hostileText.map((text) => `${start}${text}`.slice(0, max).toWellFormed());
  const tool = (side: string) =>
    fc.record({
      name: line(110, `T${number}${side} `),
      category: line(60, 'c'),
      tagline: line(240, 't'),
      description: line(900, 'd'),
      panelShip: fc.constantFrom(0, 25, 50, 75, 100),
      communityShip: fc.constantFrom(null, 40),
      entryPrice: line(60, '$'),
      reviews: fc.array(fc.record({ lens: line(40, 'l'), quote: line(300, 'q'), call: fc.constant(null) }), {
        maxLength: 3,
      }),
    });
  return fc.record({ url: hostileUrl, tools: fc.tuple(tool('a'), tool('b')) });
};

/** Every kind of source, with the product's own code. A source that refuses the content gives nothing. */
const SOURCES: Record<string, (one: Given, number: number) => Promise<(Comparison | null)[]>> = {
  async page({ url, tools }) {
    const data = JSON.stringify({ _verdict: { tools } }).replaceAll('<', '\\u003c');
    const names = tools.map(({ name }) => String(name).replaceAll('&', '&amp;').replaceAll('<', '&lt;'));
    const address = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    const html = `<!doctype html><html><head><title>${names.join(' vs ')}</title><link rel="canonical" href="${address}">
      <script type="application/json">${data}</script></head><body><h1>${names.join(' vs ')}</h1></body></html>`;
    return [await readPage(html)];
  },
  async feed({ url, tools }) {
    const items = [{ id: '1', url, _verdict: { tools } }];
    const text = JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'x', items });
    return readFeed(text, 'https://site.example/feed.json').entries.map(
      (entry) => checkComparison(normalise(entry.inline, entry)).comparison,
    );
  },
  async push({ url, tools }) {
    const slug = slugFor(String(tools[0]?.name), String(tools[1]?.name));
    return [checkComparison({ url, tools, slug }).comparison];
  },
  async folder({ url, tools }, number) {
    const folder = path.join(folders, String(number));
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'one.json'), JSON.stringify({ url, tools }));
    return (await gatherFolder(folder)).comparisons;
  },
};
const WAY_NAMES = Object.keys(SOURCES);

/** Comparisons in one mail: nearly as many as an issue may have. */
const IN_A_MAIL = 45;
const MAILS = 26;

interface Week {
  given: Given[];
  words: { subject: string; preheader: string; intro: string };
}
const weeks: fc.Arbitrary<Week> = fc.record({
  given: fc.tuple(...Array.from({ length: IN_A_MAIL }, (_, number) => given(number))),
  words: fc.record({
    subject: hostileText.map((text) => text.slice(0, 190).toWellFormed()),
    preheader: hostileText.map((text) => text.slice(0, 240).toWellFormed()),
    intro: hostileText.map((text) => text.slice(0, 1_100).toWellFormed()),
  }),
});

/** How many comparisons were accepted, by source. */
const cases = new Map<string, number>();

async function comparisonsOf(all: readonly Given[]): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const [number, one] of all.entries()) {
    const way = WAY_NAMES[number % WAY_NAMES.length] ?? '';
    for (const read of (await SOURCES[way]?.(one, number).catch(nothingRead)) ?? []) {
      if (read === null) continue;
      cases.set(way, (cases.get(way) ?? 0) + 1);
      // The store would keep one comparison for each slug; here each one counts.
      comparisons.push({ ...read, slug: `s${number}-${read.slug}`.slice(0, 120).replace(/-$/u, '') });
    }
  }
  return comparisons;
}

function nothingRead(error: unknown): [] {
  if (error instanceof AppError && error.code === 'page-unreadable') return [];
  throw error;
}

async function contentOf({ given: all, words }: Week): Promise<IssueContent> {
  const comparisons = await comparisonsOf(all);
  // Some were mailed before and have changed, some of the last issue have votes.
  const [changed, voted, news] = [comparisons.slice(0, 3), comparisons.slice(3, 5), comparisons.slice(5)];
  const editor = applyEdit(NO_CHOICES, { kind: 'words', ...words }, []);
  const composed = compose(
    input(
      news.map((each) => candidate(each)),
      {
        mailed: changed.map((now) => ({
          was: {
            ...now,
            tools: now.tools.map((tool) => ({ ...tool, panelShip: 60 })) as Comparison['tools'],
          },
          now,
          mailedIn: 3,
        })),
        votes: voted.map((each) => votesOn(each, 0, 7, 2)),
        editor,
        limits: { cards: 2 },
        newsletter: { name: 'Weekly AI Tool Verdicts', url: PUBLIC_URL, postalAddress: '1 Street, Town' },
        links: { online: `${PUBLIC_URL}/issues/2026-11-24` },
      },
    ),
  );
  if (composed.kind === 'skipped') throw new Error(composed.reason);
  const [general] = variantsOf(composed.plan, []).variants;
  if (general === undefined) throw new Error('no variant');
  return general.content;
}

/** One reader's mail, as an adapter gets it. */
function mailOf(rendered: { subject: string; html: string; text: string }) {
  const variant = toSendable({ slug: '2026-11-24', number: 7, envelope: ENVELOPE }, rendered);
  const batch = buildBatch(variant, READER.deliveryId, [READER], [KEY]);
  const [message] = messagesOf(batch);
  const [copy] = batch.copies;
  if (message === undefined || copy === undefined) throw new Error('no message');
  const tokenOf = (name: string) => copy.values[name]?.split('/').at(-1) ?? '';
  return { message, tokens: ['unsubscribe', 'preferences', 'vote'].map(tokenOf), links: copy.values };
}

/** The links that the templates should print, computed from the content alone. */
function meant({ lead, rows, cards, changed }: IssueContent, links: Record<string, string>) {
  const vote = ({ slug }: { slug: string }) => `${links.vote}/${encodeURIComponent(slug)}`;
  const calls = ['a/ship', 'a/skip', 'b/ship', 'b/skip'];
  const ways = [links.unsubscribe ?? '', links.preferences ?? ''];
  const once = [...cards, ...changed, ...rows.slice(cards.length)].map(vote);
  return {
    html: [...ways, ...calls.map((call) => `${vote(lead)}/${call}`), ...once].sort(),
    text: [...ways, vote(lead), ...once].sort(),
  };
}

/** URLs of the site in the order in which they are printed, as a browser follows them. */
function addresses({ lead, rows, cards, changed, turned, readers }: IssueContent): string[] {
  const printed = [lead, ...rows, ...changed, ...turned, lead, ...cards, ...readers].map(({ url }) => {
    const { href, username, password } = new URL(url);
    // A link with a user name or password is replaced by our own page.
    return username + password === '' ? href.replace(/[{}]/gu, encodeURIComponent) : `${PUBLIC_URL}/`;
  });
  return [...printed, `${PUBLIC_URL}/`];
}

const asFollowed = (url: string) => new URL(url).href;

describe('F1: hostile content, from every kind of source', () => {
  it('brings no reader’s token into a mail by either engine, and keeps every URL unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(weeks, async (week) => {
        const content = await contentOf(week);
        for (const template of TEMPLATES) expectOnlyOurLinks(content, await renderVariant(content, template));
      }),
      // Rendering a mail is expensive, and a failure names its position: shrinking it would take minutes.
      { numRuns: MAILS, endOnFailure: true },
    );
    const total = [...cases.values()].reduce((sum, count) => sum + count, 0);
    // A case is a comparison with placeholders in every text and in its URL, mailed by both engines and as text.
    expect(total).toBeGreaterThanOrEqual(1_000);
    expect([...cases.keys()].sort()).toEqual(WAY_NAMES.toSorted());
  }, 120_000);
});

function expectOnlyOurLinks(content: IssueContent, rendered: RenderedVariant): void {
  const { message, tokens, links } = mailOf(rendered);
  const found = tokenLinks(message, PUBLIC_URL, tokens);
  expect(found.leaks).toEqual([]);
  expect({ html: found.html.toSorted(), text: found.text.toSorted() }).toEqual(meant(content, links));
  expect(found.headers).toEqual([links.unsubscribe]);

  // And every URL of the content is unchanged.
  const printed = [...addresses(content), content.links.online];
  const hrefs = [...message.html.matchAll(/<a [^>]*?href="([^"]*)"/gu)].map(([, href = '']) =>
    unescaped(href),
  );
  expect(hrefs.filter((href) => !found.html.includes(href)).map(asFollowed)).toEqual(printed);
  const lines = message.text.split('\n').filter((line) => parseUrl(line) !== null && !/\s/u.test(line));
  const followed = new Set(lines.map(asFollowed));
  expect(printed.filter((url) => !followed.has(url))).toEqual([]);
}

/** Decodes an attribute value like an HTML parser, as far as the engines escape. */
function unescaped(value: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return value.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/giu, (whole, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16))
      : (named[name] ?? whole),
  );
}
