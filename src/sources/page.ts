import { type Call, type Comparison, type Review, slugFor } from '../comparisons/index.ts';
import { AppError } from '../errors.ts';
import { checkComparison, type Fault, listFaults } from './faults.ts';
import { readScorecard } from './page-scorecard.ts';
import { type PageText, readText } from './page-text.ts';
import { findTools, type ToolBlock } from './page-tools.ts';
import { instant } from './values.ts';

/** Where a page lives that nobody gave an address for; reserved by RFC 2606 §2, it never resolves. */
const NOWHERE = 'https://comparisons.invalid';

const MAX_PAGE = 1_000_000;

export interface PageOptions {
  /** The page's own address. Without it the page's canonical link is taken. */
  url?: string;
  /** Where the page was fetched from; its canonical link counts if it stays on this host. */
  base?: string;
  /** Origin under which comparisons are shown, for pages that do not say where they live. */
  site?: string;
}

/**
 * Reads one comparison page of the site, as plain text or as HTML: title, both tools with their figures,
 * and the reviewer scorecard. Line breaks, line endings, white space and markup do not matter.
 *
 * @throws AppError `page-unreadable`, naming every field that is missing or wrong and why. A value that
 * cannot be told for certain is an error, never a guess.
 */
export function readPage(text: string, options: PageOptions = {}): Comparison {
  const page = flatten(text);
  const { tools, scorecardAt, faults } = findTools(page);
  const [a, b] = tools;
  const names = [a.name ?? '', b.name ?? ''] as const;

  const reviews: [Review[], Review[]] = [[], []];
  if (scorecardAt !== -1) {
    const card = readScorecard(page, scorecardAt, names);
    faults.push(...card.faults);
    for (const side of [0, 1] as const) {
      reviews[side] = card.reviews[side].map((review, index) => ({
        ...review,
        call: callOf(review.call, tools[side], `tools.${side}.reviews.${index}.call`, faults),
      }));
    }
  }
  if (faults.length > 0) throw unreadable(faults);

  const slug = slugFor(names[0], names[1]);
  const url =
    options.url ?? addressOf(page.url, options.base) ?? `${options.site ?? NOWHERE}/comparisons/${slug}`;
  const checked = checkComparison({
    slug,
    url,
    publishedAt: instant(page.publishedAt),
    tools: [
      { ...a, reviews: reviews[0] },
      { ...b, reviews: reviews[1] },
    ],
  });
  if (!checked.comparison) throw unreadable(checked.faults);
  return checked.comparison;
}

/** A page may name its own address, but only on the host it came from: nobody speaks for another site. */
function addressOf(canonical: string | null, base: string | undefined): string | null {
  if (base === undefined) return canonical;
  if (canonical === null || !URL.canParse(canonical, base)) return base;
  const own = new URL(canonical, base);
  const bare = (host: string) => host.replace(/^www\./u, '');
  return bare(own.host) === bare(new URL(base).host) && /^https?:$/u.test(own.protocol) ? own.href : base;
}

/** Pages are some ten kilobytes; what is a hundred times that, or nested without end, is something else. */
function flatten(text: string): PageText {
  if (text.length > MAX_PAGE) {
    throw unreadable([{ field: '', reason: `longer than ${MAX_PAGE.toLocaleString('en')} characters` }]);
  }
  try {
    return readText(text);
  } catch (error) {
    if (error instanceof RangeError) throw unreadable([{ field: '', reason: 'nested too deeply' }]);
    throw error;
  }
}

/** A unanimous panel tells every reviewer's call, whether or not the page repeats it beside the quote. */
function callOf(stated: Call | null, tool: ToolBlock, field: string, faults: Fault[]): Call | null {
  const unanimous = tool.panelShip === 100 ? 'ship' : tool.panelShip === 0 ? 'skip' : null;
  if (stated && unanimous && stated !== unanimous) {
    faults.push({ field, reason: `"${stated}" beside a panel of ${tool.panelShip}%` });
  }
  return stated ?? unanimous;
}

function unreadable(faults: readonly Fault[]): AppError {
  return new AppError('page-unreadable', `Not a comparison page that can be read: ${listFaults(faults)}.`, {
    help: 'Check the page at the fields named; docs/sources.md shows what is expected.',
    context: { faults },
  });
}
