import { type Call, type Comparison, MAX_ADDRESS, type Review } from '../../comparisons/model.ts';
import { slugFor } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { parseUrl } from '../../platform/url.ts';
import { decodeText } from '../crawl/decode.ts';
import { bounded, checkComparison, listFaults } from '../faults.ts';
import { loadPage, TooIntricate } from './markup-limits.ts';
import { parseStructured, type Reading, readJson } from './page-data.ts';
import { readTables } from './page-table.ts';
import { parseInstant } from './values.ts';
import { canonicalOf, publishedOf, readText } from './visible-text/page-text.ts';
import { findTools, isSameName } from './visible-text/page-tools.ts';
import { readScorecard } from './visible-text/scorecard.ts';

/** The URL of a page without one; reserved by RFC 2606 §2, it never resolves. */
const NOWHERE = 'https://comparisons.invalid';

/** Pages have some ten kilobytes; input a hundred times as large is no comparison page. */
const MAX_PAGE = 1_000_000;

export interface PageOptions {
  /** The page's own URL. Without it, the page's canonical link is used. */
  url?: string;
  /** The URL that the page was fetched from; a canonical link counts only on the same host. */
  base?: string;
  /** Origin of the comparison's URL, for pages without one of their own. */
  site?: string;
}

/**
 * Reads one comparison page of the site, as plain text, HTML or JSON: from its structured data if there is any, else
 * from tables with a column for each tool, else from its visible text. Line breaks, line endings, white space and
 * markup do not matter.
 *
 * @throws AppError `page-unreadable`, with every missing or invalid field and the reason. An ambiguous value is an
 *   error, never a guess.
 */
export function readPage(text: string, options: PageOptions = {}): Comparison {
  if (text.length > MAX_PAGE) {
    throw unreadable([{ field: '', reason: `longer than ${MAX_PAGE.toLocaleString('en')} characters` }]);
  }
  try {
    const structured = readStructured(text, options);
    if (structured !== null && 'comparison' in structured) {
      const [a, b] = structured.comparison.tools;
      if (!isSameName(a.name, b.name)) return structured.comparison;
      throw unreadable([{ field: 'tools.1.name', reason: 'the same as that of the first tool' }]);
    }
    const seen = parseVisible(text, options);
    if ('comparison' in seen) return seen.comparison;
    throw unreadable(structured?.faults ?? seen.faults);
  } catch (error) {
    if (error instanceof TooIntricate) throw unreadable([{ field: '', reason: error.message }]);
    if (error instanceof RangeError) throw unreadable([{ field: '', reason: 'nested too deeply' }]);
    throw error;
  }
}

/**
 * {@link readPage} for the body of a response.
 *
 * @throws Unreadable also when the bytes are no text.
 */
export function readPageBody(
  body: string | Uint8Array,
  contentType: string | null,
  options: PageOptions,
): Comparison {
  return readPage(typeof body === 'string' ? body : decodeText(body, contentType), options);
}

/** Reads a page's structured data, or tables that are as clear. */
function readStructured(text: string, options: PageOptions): Reading | null {
  if (/^\s*[{[]/u.test(text))
    return readJson(text, { url: options.url ?? options.base ?? NOWHERE, publishedAt: null });
  const mayHaveData = /<script\b/iu.test(text);
  const mayHaveTables = /<table\b/iu.test(text);
  if (!mayHaveData && !mayHaveTables) return null;

  const $ = loadPage(text);
  const canonical = canonicalOf($);
  const publishedAt = parseInstant(publishedOf($));
  const address = options.url ?? addressOf(canonical, options.base);
  const data = parseStructured($, { url: address ?? NOWHERE, publishedAt });
  if (data !== null && 'comparison' in data) {
    const own = data.comparison.url === NOWHERE ? null : data.comparison.url;
    return { comparison: placed(data.comparison, { ...options, own: canonical ?? own }) };
  }
  const table = readTables($);
  if (table === null) return data;
  const faults: Fault[] = [];
  for (const [side, tool] of table.tools.entries()) {
    for (const [index, review] of tool.reviews.entries()) {
      const field = `tools.${side}.reviews.${index}.call`;
      review.call = callOf(review.call, tool.panelShip, field, faults);
    }
  }
  const [a, b] = table.tools;
  const checked = checkComparison({ slug: slugFor(a.name, b.name), url: NOWHERE, publishedAt, ...table });
  if (!checked.comparison || faults.length > 0) return { faults: [...faults, ...checked.faults] };
  return { comparison: placed(checked.comparison, { ...options, own: canonical }) };
}

function placed(comparison: Comparison, options: PageOptions & { own: string | null }): Comparison {
  const { site = NOWHERE } = options;
  const slug = slugFor(comparison.tools[0].name, comparison.tools[1].name);
  const url = options.url ?? addressOf(options.own, options.base) ?? `${site}/comparisons/${slug}`;
  if (url.length > MAX_ADDRESS)
    throw unreadable([
      { field: 'url', reason: `longer than ${MAX_ADDRESS.toLocaleString('en')} characters` },
    ]);
  // The URL may come from the page's own markup, which is not validated yet.
  const checked = checkComparison({ ...comparison, slug, url });
  if (!checked.comparison) throw unreadable(checked.faults);
  return checked.comparison;
}

/** Reads title, both tools with their figures, and the reviewer scorecard from the visible text. */
function parseVisible(text: string, options: PageOptions): Reading {
  const page = readText(text);
  const { tools, scorecardAt, faults } = findTools(page);
  const [a, b] = tools;
  const names = [a.name ?? '', b.name ?? ''] as const;

  const reviews: [Review[], Review[]] = [[], []];
  if (scorecardAt !== -1) {
    const card = readScorecard(page, scorecardAt, names);
    faults.push(...card.faults);
    for (const side of [0, 1] as const) {
      reviews[side] = card.reviews[side].map((review, index) => {
        const field = `tools.${side}.reviews.${index}.call`;
        return { ...review, call: callOf(review.call, tools[side].panelShip, field, faults) };
      });
    }
  }
  if (faults.length > 0) return { faults };

  const slug = slugFor(names[0], names[1]);
  const checked = checkComparison({
    slug,
    url: NOWHERE,
    publishedAt: parseInstant(page.publishedAt),
    tools: [
      { ...a, reviews: reviews[0] },
      { ...b, reviews: reviews[1] },
    ],
  });
  if (!checked.comparison) return checked;
  return { comparison: placed(checked.comparison, { ...options, own: page.url }) };
}

/** A page may name its own URL, but only on the host it came from, not on another site. */
function addressOf(canonical: string | null, base: string | undefined): string | null {
  if (base === undefined) return canonical;
  const own = canonical === null ? null : parseUrl(canonical, base);
  if (own === null) return base;
  const bare = (host: string) => host.replace(/^www\./u, '');
  return bare(own.host) === bare(new URL(base).host) && /^https?:$/u.test(own.protocol) ? own.href : base;
}

/**
 * When the panel is unanimous, every reviewer's call is known, even if the page does not repeat it beside the quote.
 */
function callOf<C extends string>(
  stated: C | null,
  panelShip: unknown,
  field: string,
  faults: Fault[],
): C | Call | null {
  const unanimous = panelShip === 100 ? 'ship' : panelShip === 0 ? 'skip' : null;
  if (stated && unanimous && stated !== unanimous) {
    faults.push({ field, reason: `"${stated}" beside a panel of ${panelShip}%` });
  }
  return stated ?? unanimous;
}

function unreadable(found: readonly Fault[]): AppError {
  const faults = bounded(found);
  return new AppError('page-unreadable', `Not a comparison page that can be read: ${listFaults(faults)}.`, {
    help: 'Check the page at the fields named; docs/sources.md shows what is expected.',
    context: { faults },
  });
}
