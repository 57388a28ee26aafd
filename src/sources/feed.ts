import { parseFeed as parseXmlFeed } from 'feedsmith';
import { z } from 'zod';
import { Unreadable } from './decode.ts';
import { addressIn, instant } from './values.ts';

/** One entry of a feed: a whole comparison, or the address of its page. */
export interface FeedEntry {
  url: string;
  publishedAt: string | null;
  /** The `_verdict` object of a JSON Feed item, not yet checked; undefined where there is none. */
  inline: unknown;
}

export interface Feed {
  entries: FeedEntry[];
  /** The next page of a JSON Feed. */
  next: string | null;
}

const jsonFeed = z.object({
  version: z.string().regex(/^https:\/\/jsonfeed\.org\/version\/1/u),
  next_url: z.string().optional(),
  items: z.array(
    z.looseObject({
      id: z.unknown().optional(),
      url: z.string().optional(),
      date_published: z.string().optional(),
      _verdict: z.unknown().optional(),
    }),
  ),
});

/**
 * Reads JSON Feed 1.1, RSS or Atom, whatever it was served as.
 *
 * @throws Unreadable with the reason, where it is none of them.
 */
export function readFeed(text: string, base: string): Feed {
  return /^\s*\{/u.test(text) ? fromJson(text, base) : fromXml(text, base);
}

function fromJson(text: string, base: string): Feed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable('is no feed: its JSON is damaged');
  }
  const feed = jsonFeed.safeParse(value);
  if (!feed.success) throw new Unreadable('is no feed: not what https://jsonfeed.org/version/1.1 asks for');
  const { items, next_url } = feed.data;
  const entries = items.flatMap((item): FeedEntry[] => {
    const address = item.url ?? (typeof item.id === 'string' ? item.id : '');
    const url = resolve(address, base);
    if (url === null) return [];
    return [{ url, publishedAt: instant(item.date_published), inline: item._verdict ?? undefined }];
  });
  return { entries, next: next_url === undefined ? null : resolve(next_url, base) };
}

function fromXml(text: string, base: string): Feed {
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
    return url === null ? [] : [{ url, publishedAt: instant(at), inline: undefined }];
  });
  return { entries, next: null };
}

function resolve(address: string, base: string): string | null {
  const url = addressIn(address, base);
  if (url === null) return null;
  url.hash = '';
  return /^https?:$/u.test(url.protocol) ? url.href : null;
}
