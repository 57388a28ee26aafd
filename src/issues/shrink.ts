import type { IssueContent, Rest } from './content.ts';
import { readingMinutes } from './reading-time.ts';

/**
 * The same variant in less and less space. What readers come for is kept longest: a verdict that turned loses its
 * row last, and becomes a line, then a name, then part of a number with a link. The smallest size is limited by
 * constants, whatever a source delivers: so some size always fits into a mail.
 */

type Step = (content: IssueContent) => IssueContent | null;

/** In the order in which they are tried; each is repeated until it has nothing left to do. */
const STEPS: readonly Step[] = [
  // Prices and panels, from the end, are told by number.
  (content) => {
    const [kept, removed] = split(content.changed, ({ kind }) => kind !== 'turned', 4);
    if (removed.length === 0) return null;
    const prices = removed.filter(({ kind }) => kind === 'price').length;
    const rest = restOf(content, { prices, panels: removed.length - prices });
    return { ...content, changed: kept, rest };
  },
  (content) => (content.readers.length > 0 ? { ...content, readers: [] } : null),
  // The last card goes: its row stays.
  (content) => (content.cards.length > 0 ? { ...content, cards: content.cards.slice(0, -1) } : null),
  // Verdicts that turned, from the end, become lines.
  (content) => {
    const [kept, removed] = split(content.changed, () => true, 4);
    return removed.length === 0
      ? null
      : { ...content, changed: kept, turned: [...removed, ...content.turned] };
  },
  // The lead loses its later lenses, then all of them, then its descriptions.
  ({ lead, ...content }) =>
    lead.lenses.length > 2 ? { ...content, lead: { ...lead, lenses: lead.lenses.slice(0, 2) } } : null,
  ({ lead, ...content }) => (lead.lenses.length > 0 ? { ...content, lead: { ...lead, lenses: [] } } : null),
  ({ lead, ...content }) =>
    lead.tools.some(({ description }) => description !== '')
      ? {
          ...content,
          lead: { ...lead, tools: [withoutDescription(lead.tools[0]), withoutDescription(lead.tools[1])] },
        }
      : null,
  // Half of the lines of verdicts that turned become names.
  (content) => {
    const [kept, removed] = halved(content.turned);
    if (removed.length === 0) return null;
    const { turnedTitles } = restOf(content);
    return {
      ...content,
      turned: kept,
      rest: { ...restOf(content), turnedTitles: [...removed.map(({ title }) => title), ...turnedTitles] },
    };
  },
  // Half of the rows of new comparisons are told by number.
  (content) => {
    const [kept, removed] = halved(content.rows);
    return removed.length === 0
      ? null
      : { ...content, rows: kept, rest: restOf(content, { new: removed.length }) };
  },
  // Half of the names are told by number.
  (content) => {
    const [kept, removed] = halved(restOf(content).turnedTitles);
    if (removed.length === 0) return null;
    return { ...content, rest: { ...restOf(content, { turned: removed.length }), turnedTitles: kept } };
  },
];

/** Returns the variant in every size, the full one first. Some fifty at most. */
export function sizesOf(content: IssueContent): IssueContent[] {
  const sizes = [content];
  let current = content;
  for (const step of STEPS) {
    for (let next = step(current); next !== null; next = step(current)) {
      sizes.push(next);
      current = next;
    }
  }
  return sizes;
}

/** Returns a smaller size with the time that it takes to read. */
export function timed(content: IssueContent): IssueContent {
  return { ...content, readingMinutes: readingMinutes(content) };
}

/** What has neither row nor line, and this in addition. */
function restOf(
  { rest, links: { online } }: IssueContent,
  more: Partial<Pick<Rest, 'turned' | 'prices' | 'panels' | 'new'>> = {},
): Rest {
  const before = rest ?? { url: `${online}/all`, turnedTitles: [], turned: 0, prices: 0, panels: 0, new: 0 };
  return {
    ...before,
    turned: before.turned + (more.turned ?? 0),
    prices: before.prices + (more.prices ?? 0),
    panels: before.panels + (more.panels ?? 0),
    new: before.new + (more.new ?? 0),
  };
}

/** Takes up to `count` of the rows that may go, from the end. */
function split<Row>(rows: readonly Row[], mayGo: (row: Row) => boolean, count: number): [Row[], Row[]] {
  const from = Math.max(0, rows.length - count);
  const removed = new Set(rows.filter((row, at) => at >= from && mayGo(row)));
  return [rows.filter((row) => !removed.has(row)), [...removed]];
}

/** Splits in the middle; a single one is removed. */
function halved<Row>(rows: readonly Row[]): [Row[], Row[]] {
  const middle = Math.floor(rows.length / 2);
  return [rows.slice(0, middle), rows.slice(middle)];
}

function withoutDescription<Tool extends { description: string }>(tool: Tool): Tool {
  return { ...tool, description: '' };
}
