import type { Fault } from '../../../platform/errors.ts';
import { HARD, NONE, type PageText } from './page-text.ts';

/** The three figures of one tool and their position: the tagline is before `from`, the description after `to`. */
export interface Stats {
  from: number;
  to: number;
  panelShip: number | null;
  communityShip: number | null;
  entryPrice: string | null;
  faults: Fault[];
}

/** "100% Panel ship — Community Free Entry", or "Panel ship: 100% Community: — Entry: Free". */
type Layout = 'value-first' | 'label-first';

interface Label {
  from: number;
  to: number;
}

const PANEL = /(?<![\p{L}\p{N}])panel ship(?![\p{L}\p{N}])\s*:?/giu;
const COMMUNITY = /(?<![\p{L}\p{N}])community(?: ship| votes?)?(?![\p{L}\p{N}])\s*:?/iu;
const ENTRY = /(?<![\p{L}\p{N}])entry(?: price)?(?![\p{L}\p{N}])\s*:?/giu;
const DASH = /^[—–−-]+$/u;
const NO_VOTES = /^(?:n\/a|none|no votes(?: yet)?)$/iu;
const MAX_PRICE = 60;

/** With more "Panel ship" than this on one page, it does not compare two tools. */
const MAX_LABELS = 12;

/**
 * Finds the figures of both tools. Sentences may contain "panel ship" too, and labels stand before or after the
 * figures, but in the same way for both tools. Returns all interpretations with the fewest faults; the caller knows
 * what else must fit. None when the page has fewer than two labels.
 */
export function findStats(page: PageText): { readings: [Stats, Stats][]; faults: Fault[] } {
  const labels = [...page.flat.matchAll(PANEL)]
    .slice(0, MAX_LABELS)
    .map((match) => ({ from: match.index, to: match.index + match[0].length }));
  const readings = labels.flatMap((first, index) =>
    labels
      .slice(index + 1)
      .flatMap((second) =>
        (['value-first', 'label-first'] as const).map((layout): [Stats, Stats] => [
          readStats(page, 0, first, second.from, layout),
          readStats(page, 1, second, page.flat.length, layout),
        ]),
      ),
  );
  const fewest = Math.min(...readings.map(faultsIn));
  const [only] = labels;
  const isFirstMissing = only !== undefined && page.flat.slice(0, only.from).search(ENTRY) !== -1;
  const missing = only === undefined ? [0, 1] : labels.length > 1 ? [] : isFirstMissing ? [0] : [1];
  return {
    readings: readings.filter((reading) => faultsIn(reading) === fewest),
    faults: missing.map((tool) => ({
      field: `tools.${tool}.panelShip`,
      reason: `"Panel ship" stands ${labels.length === 1 ? 'only once' : 'nowhere'} on the page`,
    })),
  };
}

/** Whether more cards with figures stand between the two tools, or between them and `end`. */
export function hasMoreFigures(page: PageText, [a, b]: [Stats, Stats], end: number): boolean {
  const labels = [...page.flat.slice(0, end).matchAll(PANEL)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
  }));
  return labels.some((label, index) => {
    if (label.from < a.to || (label.from >= b.from && label.from < b.to)) return false;
    return (['value-first', 'label-first'] as const).some((layout) => {
      const { from, faults } = readStats(page, 2, label, labels[index + 1]?.from ?? end, layout);
      return faults.length === 0 && page.breakAt(from) === HARD;
    });
  });
}

function faultsIn([a, b]: [Stats, Stats]): number {
  return a.faults.length + b.faults.length;
}

function readStats(page: PageText, tool: number, panel: Label, end: number, layout: Layout): Stats {
  const { flat } = page;
  const faults: Fault[] = [];
  const fault = (field: string, reason: string) => {
    faults.push({ field: `tools.${tool}.${field}`, reason });
    return null;
  };
  const percent = (field: string, text: string) => {
    return wholePercent(text) ?? fault(field, `"${text}" is not a whole percentage 0 to 100`);
  };
  const readers = (text: string) => {
    const share = withoutCount(text);
    return share === '' || DASH.test(share) || NO_VOTES.test(share) ? null : percent('communityShip', share);
  };

  const community = findCommunity(page, panel, end);
  const after = community ?? panel;
  const noEntry = `no "Entry" after "${community ? 'Community' : 'Panel ship'}"`;
  const entry = findEntry(page, after, end, layout);
  const between = (from: number, to: number) => bare(flat.slice(from, to));

  if (layout === 'value-first') {
    const figure = figureBefore(page, panel);
    const stats = { from: figure?.from ?? panel.from, to: entry?.to ?? after.to };
    const panelShip = figure
      ? percent('panelShip', figure.text)
      : fault('panelShip', 'missing before "Panel ship"');
    const communityShip = community ? readers(between(panel.to, community.from)) : null;
    const price = entry ? between(after.to, entry.from) : '';
    const wrong = entry ? priceFault(price, 'before') : noEntry;
    const entryPrice = wrong === null ? price : fault('entryPrice', wrong);
    return { ...stats, panelShip, communityShip, entryPrice, faults };
  }

  const figure = between(panel.to, (community ?? entry)?.from ?? panel.to);
  const panelShip = figure ? percent('panelShip', figure) : fault('panelShip', 'missing after "Panel ship"');
  const communityShip = community && entry ? readers(between(community.to, entry.from)) : null;
  if (!entry) {
    const entryPrice = fault('entryPrice', noEntry);
    return { from: panel.from, to: after.to, panelShip, communityShip, entryPrice, faults };
  }
  const areLabelsAlone = page.breakAt(nextWord(flat, panel.to)) === HARD;
  const isAlone = page.breakAt(nextWord(flat, entry.to)) === HARD;
  const to = !areLabelsAlone && isAlone ? entry.to : endOfPrice(page, entry.to);
  const price = between(entry.to, to);
  const wrong = priceFault(price, 'after') ?? (PRICE_LIKE.test(price) ? null : 'missing after "Entry"');
  const entryPrice = wrong === null ? price : fault('entryPrice', wrong);
  return { from: panel.from, to, panelShip, communityShip, entryPrice, faults };
}

/** "75%", "75.0 %" or "75 percent" -> 75; null for any other text, and above 100. */
export function wholePercent(text: string): number | null {
  const figure = /^(\d{1,3})(?:[.,]0{1,2})? ?(?:%|per ?cent)$/iu.exec(text.trim())?.[1];
  return figure !== undefined && Number(figure) <= 100 ? Number(figure) : null;
}

/** "48% (120 votes)" -> "48%". */
export function withoutCount(text: string): string {
  return text.replace(/(?:^|\s*[(·|,]\s*)\d[\d.,\s]*(?:votes?|voters|ratings?)\)?$/iu, '');
}

/** Text without the white space, middle dots and bars that layouts put between fields. */
export function bare(text: string): string {
  return text.replace(/^[\s|·•]+|[\s|·•]+$/gu, '');
}

function nextWord(flat: string, from: number): number {
  return flat.charAt(from) === ' ' ? from + 1 : from;
}

function figureBefore(page: PageText, panel: Label): { from: number; text: string } | null {
  const before = page.flat.slice(0, panel.from).replace(/[\s|·•]+$/u, '');
  const text = /(?:(?<=^|\s)\d[\d.,]* (?:%|per ?cent)|\S+)$/iu.exec(before)?.[0] ?? '';
  if (!/%|per ?cent$|^[—–−-]$|^\d+$|^n\/a$/iu.test(text)) return null;
  const from = before.length - text.length;
  // A tagline may end in a percentage: then the label begins a new line, but the figure does not.
  const isOfTagline = page.breakAt(from) === NONE && page.breakAt(panel.from) === HARD;
  return isOfTagline ? null : { from, text };
}

function findCommunity(page: PageText, panel: Label, end: number): Label | null {
  const rest = page.flat.slice(panel.to, Math.min(end, panel.to + 60));
  const match = COMMUNITY.exec(rest);
  if (!match || /(?<![\p{L}\p{N}])entry(?![\p{L}\p{N}])/iu.test(rest.slice(0, match.index))) return null;
  return { from: panel.to + match.index, to: panel.to + match.index + match[0].length };
}

function findEntry(page: PageText, after: Label, end: number, layout: Layout): Label | null {
  const rest = page.flat.slice(after.to, Math.min(end, after.to + MAX_PRICE + 40));
  const labels = [...rest.matchAll(ENTRY)].map((match) => ({
    from: after.to + match.index,
    to: after.to + match.index + match[0].length,
  }));
  if (layout === 'label-first') return labels[0] ?? null;
  // A price may contain "entry": the label is the word with a line of its own, or at the end of a line.
  const endsLine = (label: Label) => page.breakAt(nextWord(page.flat, label.to)) !== NONE;
  return (
    labels.find((label) => page.breakAt(label.from) !== NONE && endsLine(label)) ??
    labels.find((label) => endsLine(label) && bare(page.flat.slice(after.to, label.from)) !== '') ??
    labels[0] ??
    null
  );
}

const PRICE_LIKE =
  /\p{N}|\b(?:free|contact|custom|sales|quote|request|trial|open.?source|included|paid|pay|invite|waitlist|donation|tba)\b|^\p{Lo}/iu;
const PRICE_GOES_ON =
  /(?:[,/(+&–—-]|\b(?:per|from|billed|a|an|or|and|at|up|to|starting|contact|pay|[€$£¥₹]))$/iu;
const PRICE_CONTINUES =
  /^(?:\/|\(|per\b|billed\b|tokens?\b|months?\b|mo\b|seats?\b|users?\b|yearly\b|annually\b|monthly\b|sales\b|us\b|[\d€$£¥₹])/u;
const PRICE_ALONE =
  /^\s*(?:free(?: tier| trial| plan)?|contact (?:us|sales)|custom|open[ -]source|(?:from |starting at )?(?:[€$£¥₹] ?\d[\d.,]*|\d[\d.,]* ?[€$£¥₹]|\d[\d.,]*)(?: ?\/ ?(?:\d+[KMB]? )?\p{L}+| per (?:\d+[KMB]? )?\p{L}+)*(?:, billed \p{L}+)?)/iu;

function priceFault(price: string, where: 'before' | 'after'): string | null {
  if (price === '') return `missing ${where} "Entry"`;
  // A dash or a percentage here is a community figure whose label is missing.
  if (/^(?:[—–−-]+|\d+ ?%)(?:\s|$)/u.test(price)) return `"${price}" is not a price`;
  return price.length > MAX_PRICE ? `longer than ${MAX_PRICE} characters ${where} "Entry"` : null;
}

/** The end of a price after its label: the end of its line, unless the price was wrapped. */
function endOfPrice(page: PageText, from: number): number {
  const { flat } = page;
  const limit = Math.min(flat.length, from + MAX_PRICE + 2);
  for (let at = flat.indexOf(' ', from + 1); at !== -1 && at <= limit; at = flat.indexOf(' ', at + 1)) {
    const kind = page.breakAt(at + 1);
    if (kind === NONE) continue;
    const isWrapped =
      PRICE_GOES_ON.test(flat.slice(from, at)) || PRICE_CONTINUES.test(flat.slice(at + 1, at + 20));
    if (kind === HARD || !isWrapped) return at;
  }
  const alone = PRICE_ALONE.exec(flat.slice(from, limit));
  return alone ? from + alone[0].length : limit;
}
