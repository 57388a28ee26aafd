import type { Comparison } from '../../comparisons/model.ts';
import { pairKey } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { shortened } from '../faults.ts';
import type { Entry } from '../listing/feed.ts';
import { type Listing, list, type WebSource } from '../listing/listing.ts';
import { bodyHash, Memory, type PageRecord } from '../memory.ts';
import { read } from '../thread/thread.ts';
import { FetchFault, Postponed, readBytes } from './body.ts';
import { isPageType, Unreadable } from './decode.ts';
import type { Fetcher } from './fetcher.ts';

/** The result for one entry of a listing. */
export type Outcome =
  | { kind: 'read'; url: string; comparison: Comparison; isRequested: boolean }
  | { kind: 'unchanged'; url: string; pairKey: string | null; isRequested: boolean }
  /** `pairKey` of its earlier comparison; `status` when the page itself could not be had. */
  | {
      kind: 'wrong';
      url: string;
      faults: Fault[];
      bodyHash: string | null;
      pairKey: string | null;
      status: number | null;
    }
  | { kind: 'postponed'; url: string };

/** The result for one source on the web, in the order of its listing. */
export interface WebGathered {
  outcomes: Outcome[];
  /** Sitemaps and feed pages that failed while others did not. */
  rejected: Listing['rejected'];
  /** URLs that an earlier source lists too. */
  duplicates: number;
  fault: AppError | null;
}

const PAGE_BYTES = 5_000_000;
const PAGE_TYPES = 'text/html, application/xhtml+xml;q=0.9, application/json;q=0.8, text/plain;q=0.5';
const DAY_MS = 86_400_000;
/** Even when a sitemap reports no change, every page is requested once in this many days. */
const RECHECK_DAYS = 7;

/**
 * Reads sources on the web. All listings come first, so that a URL in several of them is requested once, for the first
 * source. Then the pages: new ones first, then known ones, and last the pages that were invalid last time, so that they
 * delay no others.
 */
export async function gatherWeb(
  sources: readonly { name: string; source: WebSource }[],
  context: { fetcher: Fetcher; memory: Memory; agent: string },
): Promise<Map<string, WebGathered>> {
  const listings = await Promise.all(
    sources.map(({ name, source }) => list(source, { ...context, source: name })),
  );
  const taken = new Set<string>();
  const visits: { source: string; entry: Entry; listing: Listing; at: number; gathered: WebGathered }[] = [];
  const all = new Map<string, WebGathered>();
  for (const [index, listing] of listings.entries()) {
    const name = sources[index]?.name ?? '';
    const { rejected, fault } = listing;
    const gathered: WebGathered = { outcomes: [], rejected, duplicates: 0, fault };
    all.set(name, gathered);
    for (const entry of listing.entries) {
      if (taken.has(entry.url)) {
        gathered.duplicates += 1;
        continue;
      }
      taken.add(entry.url);
      visits.push({ source: name, entry, listing, at: visits.length, gathered });
    }
  }

  const { memory } = context;
  const rank = ({ source, entry }: (typeof visits)[number]) =>
    memory.quarantined(source, entry.url) ? 2 : memory.page(entry.url) ? 1 : 0;
  const outcomes: Outcome[] = [];
  await Promise.all(
    [...visits]
      .sort((a, b) => rank(a) - rank(b))
      .map(async ({ source, entry, listing, at }) => {
        outcomes[at] = await fetchAll(source, entry, listing, context);
      }),
  );
  for (const { source, gathered, at } of visits) {
    const outcome = outcomes[at];
    if (outcome === undefined) continue;
    gathered.outcomes.push(outcome);
    settle(source, outcome, memory);
  }
  for (const [name, gathered] of all) gathered.fault ??= logFailure(name, gathered, memory);
  return all;
}

/** Reads the page at one URL, whatever is known of it. */
export async function fetchOne(
  url: string,
  { fetcher, refuses }: { fetcher: Fetcher; refuses: Listing['refuses'] },
): Promise<Outcome> {
  const entry = { url, lastmod: null, publishedAt: null, inline: null };
  const listing = { entries: [entry], inline: new Map(), rejected: [], refuses, fault: null };
  const memory = new Memory({ pages: [], quarantine: [] }, new Date(0));
  return await fetchAll('', entry, listing, { fetcher, memory });
}

async function fetchAll(
  source: string,
  entry: Entry,
  listing: Listing,
  { fetcher, memory }: { fetcher: Fetcher; memory: Memory },
): Promise<Outcome> {
  const { url } = entry;
  memory.see(url);
  if (entry.inline !== null) {
    const fresh = listing.inline.get(url);
    if (fresh === undefined)
      return { kind: 'unchanged', url, pairKey: entry.inline.pairKey, isRequested: false };
    if ('comparison' in fresh) return { kind: 'read', url, comparison: fresh.comparison, isRequested: false };
    return { ...wrong(url, fresh.faults), bodyHash: fresh.hash };
  }
  const known = memory.page(url);
  // A page that could not be had last time is requested, whatever its sitemap says.
  const couldBeHad = memory.quarantined(source, url)?.bodyHash !== null;
  if (known !== undefined && couldBeHad && isSettled(entry, known, memory.now))
    return { ...unchanged(known), isRequested: false };
  try {
    const fetched = await fetcher.fetch(url, {
      accept: PAGE_TYPES,
      maxBytes: PAGE_BYTES,
      etag: known?.etag,
      lastModified: known?.lastModified,
      refuses: listing.refuses,
      // Parsed during its host's turn, so that no more pages are in memory than are requested at once.
      read: async (body, contentType, at) => {
        const bytes = await readBytes(body);
        const hash = bodyHash(bytes);
        return {
          hash,
          outcome: known?.bodyHash === hash ? null : await readBody(bytes, contentType, at, entry),
        };
      },
    });
    if (fetched.kind === 'unchanged') {
      if (known !== undefined && entry.lastmod !== known.lastmod)
        memory.remember({ ...known, lastmod: entry.lastmod });
      return known === undefined ? { kind: 'postponed', url } : unchanged(known);
    }
    const { etag, lastModified } = fetched;
    const { hash, outcome } = fetched.body;
    const page = {
      ...{ url, source, kind: 'page' as const, status: 200, etag, lastModified, bodyHash: hash },
      ...{ lastmod: entry.lastmod, listing: null },
    };
    if (outcome === null) {
      const pair = known?.pairKey ?? null;
      if (known === undefined || differs(known, page)) memory.remember({ ...page, pairKey: pair });
      return { kind: 'unchanged', url, pairKey: pair, isRequested: true };
    }
    const pair = outcome.kind === 'read' ? pairKey(outcome.comparison) : (known?.pairKey ?? null);
    memory.remember({ ...page, pairKey: pair });
    return outcome.kind === 'read' ? outcome : { ...outcome, bodyHash: hash, pairKey: pair };
  } catch (error) {
    if (error instanceof Postponed) return { kind: 'postponed', url };
    if (!(error instanceof FetchFault)) throw error;
    const { message: reason, status } = error;
    return { ...wrong(url, [{ field: '', reason }]), pairKey: known?.pairKey ?? null, status };
  }
}

function unchanged({ url, pairKey }: PageRecord): Extract<Outcome, { kind: 'unchanged' }> {
  return { kind: 'unchanged', url, pairKey, isRequested: true };
}

function wrong(url: string, faults: Fault[]): Extract<Outcome, { kind: 'wrong' }> {
  return { kind: 'wrong', url, faults, bodyHash: null, pairKey: null, status: null };
}

function differs(known: PageRecord, page: Pick<PageRecord, 'etag' | 'lastModified' | 'lastmod'>): boolean {
  return (
    known.etag !== page.etag || known.lastModified !== page.lastModified || known.lastmod !== page.lastmod
  );
}

/**
 * Whether the sitemap says that a page has not changed since it was read. A date alone covers a whole day, plus the
 * hours of time zones, so only a page read well after that counts. One page in {@link RECHECK_DAYS} is requested each
 * day all the same: votes change without a new sitemap date.
 */
function isSettled({ url, lastmod }: Entry, known: PageRecord, now: Date): boolean {
  if (lastmod === null || lastmod !== known.lastmod) return false;
  const at = Date.parse(lastmod);
  if (Number.isNaN(at)) return false;
  const until = at + (lastmod.includes('T') ? 0 : 2 * DAY_MS);
  if (known.fetchedAt.getTime() <= until) return false;
  const today = Math.floor(now.getTime() / DAY_MS) % RECHECK_DAYS;
  return Number.parseInt(bodyHash(url).slice(0, 8), 16) % RECHECK_DAYS !== today;
}

async function readBody(
  body: Buffer,
  contentType: string | null,
  url: string,
  entry: Entry,
): Promise<Extract<Outcome, { kind: 'read' | 'wrong' }>> {
  if (!isPageType(contentType))
    return wrong(entry.url, [{ field: '', reason: shortened(`is served as ${contentType}, not as a page`) }]);
  try {
    const comparison = await read('page', body, contentType, { base: url });
    const publishedAt = comparison.publishedAt ?? entry.publishedAt;
    return {
      kind: 'read',
      url: entry.url,
      comparison: { ...comparison, publishedAt },
      isRequested: true,
    };
  } catch (error) {
    if (error instanceof Unreadable) return wrong(entry.url, [{ field: '', reason: error.message }]);
    if (error instanceof AppError && error.code === 'page-unreadable') {
      return wrong(entry.url, error.context.faults as Fault[]);
    }
    throw error;
  }
}

/** Updates quarantine: valid pages leave it, invalid ones enter it, and pages that were not read stay as they are. */
function settle(source: string, outcome: Outcome, memory: Memory): void {
  const { url } = outcome;
  const known = memory.quarantined(source, url);
  if (outcome.kind === 'postponed') memory.leave(source, url);
  // The same bytes are still invalid; if nothing could be read last time, the page is back now.
  else if (outcome.kind === 'unchanged' && known?.bodyHash) memory.leave(source, url);
  else if (outcome.kind === 'wrong') {
    if (outcome.bodyHash === null && known?.bodyHash) memory.leave(source, url);
    else memory.quarantine(source, url, outcome.faults, outcome.bodyHash);
  }
}

/** A source whose listed pages all fail counts as failed, like one that cannot be listed. */
function logFailure(name: string, { outcomes }: WebGathered, memory: Memory): AppError | null {
  const [first] = outcomes;
  const isDead = (outcome: Outcome) => outcome.kind === 'wrong' && outcome.bodyHash === null;
  if (first?.kind !== 'wrong' || !outcomes.every(isDead)) return null;
  memory.isPartial(name);
  const reason = first.faults[0]?.reason ?? '';
  return new AppError(
    'source-unreadable',
    `None of its ${outcomes.length} pages could be had: ${first.url} ${reason}.`,
    {
      help: 'What it gave before is kept; it is asked again at the next gathering.',
    },
  );
}
