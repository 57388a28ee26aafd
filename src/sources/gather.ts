import type { ListedEntry, SourceListing } from '../comparisons/gone/presence.ts';
import type { Comparison } from '../comparisons/model.ts';
import { pairKey } from '../comparisons/names.ts';
import type { Fault } from '../platform/errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseUrl } from '../platform/url.ts';
import { Unreadable } from './crawl/decode.ts';
import { Fetcher, type FetcherOptions } from './crawl/fetcher.ts';
import { followEach, type LinkCheck, readRobotsOf, refusal } from './crawl/follow-links.ts';
import { fetchOne, gatherWeb, type Outcome, type WebGathered } from './crawl/gather-web.ts';
import { listFaults } from './faults.ts';
import { gatherFolder } from './gather-folder.ts';
import { Collection, type Gathered, type SourceReport } from './gathered.ts';
import type { WebSource } from './listing/listing.ts';
import { type Known, Memory, type MemoryChanges } from './memory.ts';
import type { PageOptions } from './parse/page.ts';
import { Overdue, read } from './thread/thread.ts';

/** A source of comparisons. */
export type Source = { kind: 'folder'; path: string } | WebSource;

/**
 * A source as the settings write it: "folder:PATH", "feed:URL" or "site:URL".
 *
 * @throws AppError `source-unknown` for anything else.
 */
export function parseSource(text: string): Source {
  const [, kind, place] = /^\s*([a-z]+):(.*)$/su.exec(text) ?? [];
  const at = place?.trim();
  if (kind === 'folder' && at) return { kind, path: at };
  const url = at && /^https?:\/\//iu.test(at) ? parseUrl(at) : null;
  if ((kind === 'feed' || kind === 'site') && url !== null) {
    url.hash = '';
    if (url.username === '' && url.password === '') return { kind, url: url.href };
  }
  throw new AppError('source-unknown', `"${text.trim()}" is not a source of comparisons.`, {
    help: 'Write folder:PATH, feed:URL or site:URL, for instance site:https://verdicts.example/comparisons/.',
  });
}

export function formatSource(source: Source): string {
  return `${source.kind}:${source.kind === 'folder' ? source.path : source.url}`;
}

/** Options of requests to sources on the web. */
export interface WebOptions extends Omit<FetcherOptions, 'signal'> {
  /** After this time, the remaining pages are left to the next gathering. */
  budgetMs?: number;
}

export interface GatherOptions {
  /** The state after earlier gatherings, see {@link loadKnown}. */
  known?: Known;
  web?: WebOptions;
  now?: Date;
}

export interface Gathering extends Gathered {
  sources: SourceReport[];
  /** What each source lists now: a comparison that is in none of them may be gone. */
  listings: SourceListing[];
  memory: MemoryChanges;
}

/** Long enough for thousands of pages, short enough for an issue that waits for them. */
const BUDGET_MS = 10 * 60_000;

/** Our name in robots.txt. */
const AGENT = 'WeeklyVerdict';

/** The User-Agent: our name, and where to complain. */
export function userAgent(publicUrl: string): string {
  return `${AGENT}/0.1 (+${publicUrl})`;
}

/** As long as a person waits for a page; the remaining links are followed at the next request. */
const FOLLOWING_MS = 20_000;

/** Follows links by the rules of gathering, for 20 seconds at most; unreached links are not in the result. */
export async function followLinks(urls: readonly string[], options: WebOptions): Promise<LinkCheck[]> {
  const { budgetMs = FOLLOWING_MS, ...fetching } = options;
  return followEach(urls, fetching, { agent: AGENT, budgetMs });
}

/**
 * Reads one comparison page, as text, HTML or JSON; docs/sources.md says how.
 *
 * @throws AppError `page-unreadable`, with every missing or invalid field and the reason.
 */
export async function readPage(text: string, options: PageOptions = {}): Promise<Comparison> {
  return await inTime(read('page', text, null, options));
}

/**
 * Reads one comparison as JSON; without a URL of its own it gets our page's URL.
 *
 * @throws AppError `comparison-invalid` with the faults, or `page-unreadable` when reading takes too long.
 */
export async function readSent(text: string, own: { site: string }): Promise<Comparison> {
  return await inTime(read('sent', text, own));
}

/** A client waits for the answer, so an aborted reading is reported as a fault of the input. */
async function inTime<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Overdue || error instanceof Unreadable)) throw error;
    const faults = [{ field: '', reason: error.message }];
    throw new AppError('page-unreadable', `Not a comparison that can be read: ${listFaults(faults)}.`, {
      help: 'docs/sources.md shows what is expected, and how much of it.',
      cause: error,
      context: { faults },
    });
  }
}

/**
 * Reads the comparison page at one URL, by the rules of gathering.
 *
 * @throws AppError `page-unreadable`, also when it cannot be fetched.
 */
export async function readPageAt(url: string, options: WebOptions): Promise<Comparison> {
  const { budgetMs = FOLLOWING_MS, ...fetching } = options;
  await using fetcher = new Fetcher({ ...fetching, signal: AbortSignal.timeout(budgetMs) });
  const rules = await readRobotsOf(fetcher, new URL(url).origin, AGENT);
  const outcome = await fetchOne(url, { fetcher, refuses: (target) => refusal(rules, target) });
  if (outcome.kind === 'read') return outcome.comparison;
  const faults = outcome.kind === 'wrong' ? outcome.faults : [{ field: '', reason: 'took too long' }];
  throw new AppError('page-unreadable', `${url}: ${listFaults(faults)}.`, {
    help: 'Look at the page at what is named; docs/sources.md shows what is expected.',
    context: { faults },
  });
}

/**
 * Reads all sources; those on the web all at once. When two sources have the same comparison, the first is used. A
 * source that cannot be read is reported, and neither affects the others nor delays them beyond the budget. Nothing is
 * written: {@link recordGather} writes once the comparisons are saved, so that a crash in between only costs another
 * reading.
 */
export async function gather(sources: readonly Source[], options: GatherOptions = {}): Promise<Gathering> {
  const memory = new Memory(options.known ?? { pages: [], quarantine: [] }, options.now ?? new Date());
  const web = await readWeb(sources, memory, options.web);
  const all = new Collection();
  const reports: SourceReport[] = [];
  const listings = new Map<string, SourceListing>();
  for (const source of sources) {
    const name = formatSource(source);
    const counts = { comparisons: 0, unchanged: 0, rejected: 0, duplicates: 0, postponed: 0 };
    const report: SourceReport = { source: name, ...counts, fault: null };
    reports.push(report);
    const before = all.rejected.length;
    const gathered = web.get(name);
    let entries: ListedEntry[] = [];
    if (source.kind === 'folder') entries = await takeFolder(source.path, report, all, memory);
    else if (gathered) entries = takeWeb(gathered, report, all);
    // A feed lists only the latest of its entries.
    const isComplete = source.kind !== 'feed' && report.fault === null && memory.isComplete(name);
    if (!listings.has(name)) listings.set(name, { source: name, isComplete, entries });
    report.rejected = all.rejected.length - before;
  }
  const { comparisons, rejected } = all;
  return {
    ...{ comparisons, rejected, sources: reports },
    ...{ listings: [...listings.values()], memory: memory.changes() },
  };
}

async function readWeb(
  sources: readonly Source[],
  memory: Memory,
  options: WebOptions = { userAgent: AGENT },
): Promise<Map<string, WebGathered>> {
  const named = sources.flatMap((source) =>
    source.kind === 'folder' ? [] : [{ name: formatSource(source), source }],
  );
  const distinct = [...new Map(named.map((each) => [each.name, each])).values()];
  if (distinct.length === 0) return new Map();
  const { budgetMs = BUDGET_MS, ...fetching } = options;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), budgetMs);
  await using fetcher = new Fetcher({ ...fetching, signal: over.signal });
  try {
    return await gatherWeb(distinct, { fetcher, memory, agent: AGENT });
  } finally {
    clearTimeout(timer);
  }
}

async function takeFolder(
  path: string,
  report: SourceReport,
  all: Collection,
  memory: Memory,
): Promise<ListedEntry[]> {
  try {
    const { comparisons, rejected, entries } = await gatherFolder(path);
    for (const rejection of rejected) {
      all.reject(rejection);
      const { name, faults, bodyHash = null } = rejection;
      if (faults) memory.quarantine(report.source, name, faults, bodyHash);
    }
    for (const comparison of comparisons) count(report, all.add(comparison.slug, comparison, report.source));
    return entries;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    report.fault = error;
    memory.isPartial(report.source);
    return [];
  }
}

function takeWeb(gathered: WebGathered, report: SourceReport, all: Collection): ListedEntry[] {
  report.fault = gathered.fault;
  report.duplicates += gathered.duplicates;
  for (const { url, fault } of gathered.rejected) all.reject({ name: url, reason: fault.reason });
  for (const outcome of gathered.outcomes) {
    const { url } = outcome;
    if (outcome.kind === 'read') count(report, all.add(url, outcome.comparison, report.source));
    else if (outcome.kind === 'wrong') reject(all, url, outcome.faults, outcome.bodyHash);
    else if (outcome.kind === 'postponed') report.postponed += 1;
    else if (outcome.pairKey !== null) {
      all.reserve(url, outcome.pairKey, report.source);
      report.unchanged += 1;
    }
  }
  return gathered.outcomes.map(listed);
}

function listed(outcome: Outcome): ListedEntry {
  const { url: entry } = outcome;
  switch (outcome.kind) {
    case 'read':
      return { entry, pairKey: pairKey(outcome.comparison), state: outcome.isRequested ? 'page' : 'inline' };
    case 'unchanged':
      return { entry, pairKey: outcome.pairKey, state: outcome.isRequested ? 'page' : 'inline' };
    case 'postponed':
      return { entry, pairKey: null, state: 'listed' };
    case 'wrong': {
      const { pairKey: pair, status, faults } = outcome;
      const isGone = status === 404 || status === 410;
      return isGone
        ? { entry, pairKey: pair, state: 'gone', reason: faults[0]?.reason ?? `answered ${status}` }
        : { entry, pairKey: pair, state: 'listed' };
    }
  }
}

function reject(all: Collection, name: string, faults: Fault[], bodyHash: string | null): void {
  all.reject({ name, reason: listFaults(faults), faults, bodyHash });
}

function count(report: SourceReport, outcome: ReturnType<Collection['add']>): void {
  if (outcome === 'added') report.comparisons += 1;
  else if (outcome === 'duplicate') report.duplicates += 1;
}
