import pLimit from 'p-limit';
import type { Fault } from '../../platform/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { FetchFault, Postponed, readBytes } from '../crawl/body.ts';
import type { Fetcher } from '../crawl/fetcher.ts';
import { allows, type Robots } from '../crawl/robots.ts';
import { hashing, type Memory } from '../memory.ts';
import { read } from '../thread/thread.ts';
import type { Entry, FeedPage, Inline } from './feed.ts';
import type { SitemapEntry } from './sitemap.ts';

/** A source on the web: a feed, or a site with its sitemaps. */
export interface WebSource {
  kind: 'feed' | 'site';
  url: string;
}

export interface Listing {
  entries: Entry[];
  /** By URL: the inline entries that were read this time. */
  inline: Map<string, Inline>;
  /** Sitemaps and feed pages that failed while others did not. */
  rejected: { url: string; fault: Fault }[];
  /** Why a URL must not be requested. */
  refuses: (url: string) => string | null;
  fault: AppError | null;
}

export interface ListingContext {
  /** As in the settings: the owner of the remembered pages. */
  source: string;
  fetcher: Fetcher;
  memory: Memory;
  /** Our name in robots.txt. */
  agent: string;
}

const ROBOTS_BYTES = 500_000;
const SITEMAP_BYTES = 50_000_000;
const FEED_BYTES = 25_000_000;
const MAX_SITEMAPS = 500;
const MAX_DEPTH = 3;
const MAX_FEED_PAGES = 50;
const MAX_LISTED = 200_000;
const MAX_LISTED_CHARACTERS = 20_000_000;
/** A large sitemap needs much memory. */
const SITEMAPS_AT_ONCE = 2;
/** URLs that are checked against robots.txt in one call. */
const CHUNK = 2_000;

const FEED_TYPES =
  'application/feed+json, application/atom+xml, application/rss+xml, application/json;q=0.9, application/xml;q=0.9, */*;q=0.1';

/** Reads a source's current listing. It never throws for a fault of the other side: the listing reports it. */
export async function list(source: WebSource, context: ListingContext): Promise<Listing> {
  const listing: Listing = { entries: [], inline: new Map(), rejected: [], refuses: () => null, fault: null };
  try {
    await (source.kind === 'feed'
      ? listFeed(source.url, listing, context)
      : listSite(source.url, listing, context));
  } catch (error) {
    if (!(error instanceof ListingFault)) throw error;
    listing.fault = new AppError('source-unreadable', `${error.url} ${error.message}.`, {
      help: 'What it gave before is kept; it is asked again at the next gathering.',
      cause: error,
    });
  }
  if (listing.fault !== null || listing.rejected.length > 0) context.memory.isPartial(context.source);
  return listing;
}

/** A listing, or a part of one, that could not be fetched. */
class ListingFault extends Error {
  readonly url: string;
  constructor(url: string, reason: string) {
    super(reason);
    this.url = url;
  }
}

async function listFeed(url: string, listing: Listing, context: ListingContext): Promise<void> {
  const seen = new Set<string>();
  for (let next: string | null = url; next !== null && seen.size < MAX_FEED_PAGES; ) {
    const at: string = next;
    seen.add(at);
    try {
      const page = await readListing<FeedPage>('feed', at, context, {
        accept: FEED_TYPES,
        maxBytes: FEED_BYTES,
        read: async (body, contentType) => {
          const { inline, ...feed } = await read('feed', await readBytes(body), contentType, at);
          for (const [address, each] of inline) listing.inline.set(address, each);
          return feed;
        },
      });
      listing.entries.push(...page.entries);
      next = page.next === null || seen.has(page.next) ? null : page.next;
    } catch (error) {
      if (!(error instanceof ListingFault) || at === url) throw error;
      listing.rejected.push({ url: at, fault: { field: '', reason: error.message } });
      next = null;
    }
  }
}

async function listSite(url: string, listing: Listing, context: ListingContext): Promise<void> {
  const site = new URL(url);
  const robots = await robotsOf(site, context);
  const { host } = site;
  if (robots.delayMs > 0) context.fetcher.hosts.space(host, robots.delayMs);
  // The listed URLs were already checked against the rules; redirects are checked here.
  const allowed = new Set<string>();
  listing.refuses = (target) =>
    allowed.has(target) || allows(robots, target) ? null : 'is kept from us by robots.txt';

  const roots = robots.sitemaps.length > 0 ? robots.sitemaps : [new URL('/sitemap.xml', site).href];
  const found = await readSitemaps(roots, listing, context);
  let refused = 0;
  for (let at = 0; at < found.length; at += CHUNK) {
    const chunk = found.slice(at, at + CHUNK);
    const allowedEntries = await blaming(url, () => read('listed', chunk, site.href, robots));
    refused += allowedEntries.refused;
    for (const entry of allowedEntries.entries) {
      allowed.add(entry.url);
      listing.entries.push({ ...entry, publishedAt: null, inline: null });
    }
  }
  if (listing.entries.length > 0) return;
  if (refused > 0) throw new ListingFault(url, 'keeps every comparison from us by its robots.txt');
  throw new ListingFault(url, `has no address below ${site.pathname} in its sitemaps`);
}

async function robotsOf(site: URL, context: ListingContext): Promise<Robots> {
  const url = new URL('/robots.txt', site).href;
  try {
    const { text } = await readListing<{ text: string }>('robots', url, context, {
      accept: 'text/plain, */*;q=0.1',
      maxBytes: ROBOTS_BYTES,
      read: async (body) => ({ text: (await readBytes(body)).toString('utf8').replaceAll('\0', '') }),
    });
    return await blaming(url, () => read('robots', url, text, context.agent));
  } catch (error) {
    // Without a robots.txt everything is allowed; while it cannot be fetched, nothing is. RFC 9309 §2.3.1.
    const status =
      error instanceof ListingFault && error.cause instanceof FetchFault ? error.cause.status : null;
    if (status !== null && status >= 400 && status < 500 && status !== 429)
      return { origin: site.origin, rules: [], delayMs: 0, sitemaps: [] };
    throw error;
  }
}

/** The pages of all sitemaps below `roots`. A failing sitemap is rejected, unless it is the only one. */
async function readSitemaps(
  roots: string[],
  listing: Listing,
  context: ListingContext,
): Promise<SitemapEntry[]> {
  const pages = new Map<string, string | null>();
  const turn = pLimit(SITEMAPS_AT_ONCE);
  const seen = new Set<string>();
  let last: ListingFault | undefined;
  let readable = 0;
  let characters = 0;
  const readSitemapAt = async (url: string, depth: number): Promise<void> => {
    if (seen.has(url) || seen.size >= MAX_SITEMAPS) return;
    seen.add(url);
    try {
      const { kind, entries } = await turn(() =>
        readListing('sitemap', url, context, {
          accept: 'application/xml, text/xml, application/gzip, text/plain, */*;q=0.1',
          maxBytes: SITEMAP_BYTES,
          mayBeGzip: true,
          read: async (body) => await read('sitemap', await readBytes(body), url),
        }),
      );
      if (kind === 'index' && depth >= MAX_DEPTH)
        throw new ListingFault(url, 'is an index too deep in indexes');
      readable += 1;
      if (kind === 'index') await Promise.all(entries.map((entry) => readSitemapAt(entry.url, depth + 1)));
      else
        for (const entry of entries)
          if (pages.size < MAX_LISTED && characters < MAX_LISTED_CHARACTERS) {
            pages.set(entry.url, entry.lastmod);
            characters += entry.url.length;
          }
    } catch (error) {
      if (!(error instanceof ListingFault)) throw error;
      last = error;
      listing.rejected.push({ url, fault: { field: '', reason: error.message } });
    }
  };
  await Promise.all(roots.map((url) => readSitemapAt(url, 0)));
  if (readable === 0 && last !== undefined) {
    listing.rejected = [];
    throw last;
  }
  return [...pages].map(([url, lastmod]) => ({ url, lastmod }));
}

interface ListingRequest<T> {
  accept: string;
  maxBytes: number;
  mayBeGzip?: boolean;
  read: (body: AsyncIterable<Buffer>, contentType: string | null) => Promise<T>;
}

/** Reads robots.txt, a sitemap or a feed; returns the remembered content when it did not change. */
async function readListing<T>(
  kind: 'robots' | 'sitemap' | 'feed',
  url: string,
  { source, fetcher, memory }: ListingContext,
  request: ListingRequest<T>,
): Promise<T> {
  const known = memory.page(url);
  memory.see(url);
  try {
    const hashed = hashing();
    const fetched = await fetcher.fetch<T>(url, {
      ...request,
      etag: known?.etag,
      lastModified: known?.lastModified,
      read: (body, contentType) => request.read(hashed.through(body), contentType),
    });
    if (fetched.kind === 'unchanged') return known?.listing as T;
    const { etag, lastModified, body } = fetched;
    const hash = hashed.digest();
    const isSame = known?.bodyHash === hash && known.etag === etag && known.lastModified === lastModified;
    if (!isSame) {
      memory.remember({
        ...{ url, source, kind, status: 200, etag, lastModified, bodyHash: hash },
        ...{ lastmod: null, pairKey: null, listing: body },
      });
    }
    return body;
  } catch (error) {
    throw blame(url, error);
  }
}

async function blaming<T>(url: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw blame(url, error);
  }
}

function blame(url: string, error: unknown): ListingFault {
  if (error instanceof Postponed) return new ListingFault(url, 'was not answered before the time was over');
  const fault = new ListingFault(url, error instanceof Error ? error.message : String(error));
  fault.cause = error;
  return fault;
}
