import { parseFeed as parseXmlFeed } from 'feedsmith';
import { z } from 'zod';
import type { Comparison } from '../../comparisons/model.ts';
import { pairKey } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { decodeText, Unreadable } from '../crawl/decode.ts';
import { checkComparison } from '../faults.ts';
import { bodyHash } from '../memory.ts';
import { checkJson, checkMarkup } from '../parse/markup-limits.ts';
import { addressIn, normalise, parseInstant } from '../parse/values.ts';

/** One entry of a feed: a whole comparison, or the URL of its page. */
export interface FeedEntry {
  url: string;
  publishedAt: string | null;
  /** The `_verdict` object of a JSON Feed item, not validated; undefined when there is none. */
  inline: unknown;
}

export interface Feed {
  entries: FeedEntry[];
  /** The next page of a JSON Feed. */
  next: string | null;
}

/** One comparison that a source lists: the URL of its page, or the whole comparison in the feed. */
export interface Entry {
  url: string;
  lastmod: string | null;
  publishedAt: string | null;
  /** Set when the feed contains the whole comparison; `pairKey` when it is valid. */
  inline: { pairKey: string | null } | null;
}

/** The parsed inline comparison, or its faults, in a feed that was read this time. */
export type Inline = { comparison: Comparison } | { faults: Fault[]; hash: string };

/** One page of a feed with its comparisons. */
export interface FeedPage {
  entries: Entry[];
  next: string | null;
}

/** As many as a sitemap may list. */
const MAX_ENTRIES = 50_000;

const jsonFeed = z.object({
  version: z.string().regex(/^https:\/\/jsonfeed\.org\/version\/1/u),
  next_url: z.string().optional(),
  items: z.array(z.unknown()),
});

const jsonItem = z.looseObject({
  id: z.unknown().optional(),
  url: z.string().optional(),
  date_published: z.string().optional(),
  _verdict: z.unknown().optional(),
});

/**
 * Returns the entries of a feed's body, and the inline comparisons by URL.
 *
 * @throws Unreadable with the reason, when it is no feed.
 */
export function readFeedPage(
  body: Uint8Array,
  contentType: string | null,
  base: string,
): FeedPage & { inline: Map<string, Inline> } {
  const feed = readFeed(decodeText(body, contentType), base);
  const inline = new Map<string, Inline>();
  const entries = feed.entries.map((entry): Entry => {
    const { url, publishedAt } = entry;
    if (entry.inline === undefined) return { url, publishedAt, lastmod: null, inline: null };
    const { comparison, faults } = checkComparison(normalise(entry.inline, { url, publishedAt }));
    const hash = bodyHash(JSON.stringify(entry.inline));
    inline.set(url, comparison ? { comparison } : { faults, hash });
    return { url, publishedAt, lastmod: null, inline: { pairKey: comparison ? pairKey(comparison) : null } };
  });
  return { entries, next: feed.next, inline };
}

/**
 * Reads JSON Feed 1.1, RSS or Atom, whatever its content type.
 *
 * @throws Unreadable with the reason, when it is none of them.
 */
export function readFeed(text: string, base: string): Feed {
  const feed = /^\s*\{/u.test(text) ? fromJson(text, base) : fromXml(text, base);
  checkCount(feed.entries);
  return feed;
}

function checkCount(entries: readonly unknown[]): void {
  if (entries.length > MAX_ENTRIES)
    throw new Unreadable(`lists more than ${MAX_ENTRIES.toLocaleString('en')} entries`);
}

function fromJson(text: string, base: string): Feed {
  checkJson(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable('is no feed: its JSON is damaged');
  }
  const feed = jsonFeed.safeParse(value);
  const wrong = new Unreadable('is no feed: not what https://jsonfeed.org/version/1.1 asks for');
  if (!feed.success) throw wrong;
  const { items, next_url } = feed.data;
  checkCount(items);
  const entries = items.flatMap((each): FeedEntry[] => {
    // Parsed one by one, because each of many items can have many faults.
    const parsed = jsonItem.safeParse(each);
    if (!parsed.success) throw wrong;
    const item = parsed.data;
    const address = item.url ?? (typeof item.id === 'string' ? item.id : '');
    const url = resolve(address, base);
    if (url === null) return [];
    return [{ url, publishedAt: parseInstant(item.date_published), inline: item._verdict ?? undefined }];
  });
  return { entries, next: next_url === undefined ? null : resolve(next_url, base) };
}

function fromXml(text: string, base: string): Feed {
  checkMarkup(text, 'xml');
  let parsed: ReturnType<typeof parseXmlFeed>;
  try {
    parsed = parseXmlFeed(text);
  } catch {
    throw new Unreadable('is no feed: neither JSON Feed nor RSS nor Atom');
  }
  const found: { link: string | undefined; at: unknown }[] = [];
  if (parsed.format === 'atom') {
    for (const { links, published, updated } of parsed.feed.entries ?? []) {
      const link = links?.find(({ rel }) => rel === undefined || rel === 'alternate') ?? links?.[0];
      found.push({ link: link?.href, at: published ?? updated });
    }
  } else if (parsed.format === 'rss') {
    for (const { link, guid, pubDate } of parsed.feed.items ?? []) {
      found.push({ link: link ?? (guid?.isPermaLink === false ? undefined : guid?.value), at: pubDate });
    }
  } else if (parsed.format === 'rdf') {
    for (const { link, dc } of parsed.feed.items ?? []) found.push({ link, at: dc?.dates?.[0] });
  } else throw new Unreadable('is no feed: neither JSON Feed nor RSS nor Atom');
  const entries = found.flatMap(({ link, at }): FeedEntry[] => {
    const url = link === undefined ? null : resolve(link.trim(), base);
    return url === null ? [] : [{ url, publishedAt: parseInstant(at), inline: undefined }];
  });
  return { entries, next: null };
}

function resolve(address: string, base: string): string | null {
  const url = addressIn(address, base);
  if (url === null) return null;
  url.hash = '';
  return /^https?:$/u.test(url.protocol) ? url.href : null;
}
