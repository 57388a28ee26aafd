import type { CheerioAPI } from 'cheerio';
import { lensNamed } from './lenses.ts';
import { parsePercentage, parseVotes } from './values.ts';
import { wholePercent, withoutCount } from './visible-text/stats.ts';

/** The content of a table with a column for each tool; not validated, fields may be missing. */
export type TableComparison = { tools: [TableTool, TableTool] };

interface TableTool {
  name: string;
  category?: string | undefined;
  tagline?: string | undefined;
  description?: string | undefined;
  panelShip?: unknown;
  communityShip?: unknown;
  entryPrice?: string | undefined;
  reviews: { lens: string; quote: string; call: string | null }[];
}

type Cell = ReturnType<ReturnType<CheerioAPI>['find']>;
type Row = { label: string; cells: [Cell, Cell] };

const FIELDS: [field: keyof Omit<TableTool, 'reviews' | 'name'>, label: RegExp][] = [
  ['panelShip', /^panel(?: ship| verdict)?$/iu],
  ['communityShip', /^community(?: ship| votes?)?$/iu],
  ['entryPrice', /^(?:entry(?: price)?|price|pricing)$/iu],
  ['category', /^(?:category|topic|kind)$/iu],
  ['tagline', /^(?:tagline|in (?:a|one) (?:line|sentence)|in short)$/iu],
  ['description', /^(?:description|about|what it is|summary)$/iu],
];

const BLOCKS = 'p,div,li,br,blockquote,q,figure,figcaption,h1,h2,h3,h4,h5,h6,dt,dd';

/**
 * Reads the comparison in tables with a column for each tool and a row for each field; reviews are rows too, in the
 * same table or a similar one. Null when no table has the panel figures of both tools.
 */
export function readTables($: CheerioAPI): TableComparison | null {
  const tables = $('table')
    .toArray()
    .filter((table) => $(table).find('table').length === 0)
    .map((table) => readTable($, $(table)));
  const main = tables.find(({ rows }) => rows.some(({ label }) => FIELDS[0]?.[1].test(label)));
  if (main?.names === undefined || main.names === null) return null;
  const [a, b] = main.names;
  const tools: TableComparison['tools'] = [
    { name: a, reviews: [] },
    { name: b, reviews: [] },
  ];
  for (const table of tables) {
    // Another table must be about the same tools, or have no names of its own.
    const names = table.names ?? main.names;
    const isTurned = names[0] === b && names[1] === a;
    if (!isTurned && (names[0] !== a || names[1] !== b)) continue;
    for (const { label, cells } of table.rows)
      takeRow($, { label, cells: isTurned ? [cells[1], cells[0]] : cells }, tools);
  }
  return { tools };
}

function readTable($: CheerioAPI, table: Cell): { names: [string, string] | null; rows: Row[] } {
  let names: [string, string] | null = null;
  const rows: Row[] = [];
  for (const tr of table.find('tr').toArray()) {
    const cells = $(tr).children('th,td').toArray();
    const [head, left, right] = cells;
    if (cells.length !== 3 || head === undefined || left === undefined || right === undefined) continue;
    const label = words($(head)).replace(/:$/u, '');
    const isHeader =
      rows.length === 0 && names === null && [left, right].every((cell) => cell.tagName === 'th');
    if (isHeader || (rows.length === 0 && names === null && label === '')) {
      names = [words($(left)), words($(right))];
    } else rows.push({ label, cells: [$(left), $(right)] });
  }
  return { names, rows };
}

function takeRow($: CheerioAPI, { label, cells }: Row, tools: TableComparison['tools']): void {
  const field = FIELDS.find(([, pattern]) => pattern.test(label))?.[0];
  for (const side of [0, 1] as const) {
    const tool = tools[side];
    const text = words(cells[side]);
    if (field === 'panelShip') tool.panelShip = wholePercent(text) ?? parsePercentage(text);
    else if (field === 'communityShip')
      tool.communityShip = parseVotes(wholePercent(withoutCount(text)) ?? withoutCount(text));
    else if (field !== undefined) tool[field] = text;
    else if (lensNamed(label) !== null || /^the /iu.test(label)) {
      const lens = lensNamed(label) ?? label.replace(/^the /iu, '');
      if (text !== '') tool.reviews.push({ lens, ...readReview($, cells[side]) });
    }
  }
}

/** "Ship" in an element of its own is the call; the rest is the quote, with or without quotation marks. */
function readReview($: CheerioAPI, cell: Cell): { quote: string; call: string | null } {
  const own = cell.clone();
  let call: string | null = null;
  own.find('*').each((_, element) => {
    const text = $(element).text().trim().replace(/[:.]$/u, '');
    if (call !== null || !/^(?:ship|skip)$/iu.test(text)) return;
    call = text.toLowerCase();
    $(element).remove();
  });
  const said = words(own);
  const prefix = call === null ? /^(ship|skip)\s*[:—–·|-]\s*(?=["“„«])/iu.exec(said) : null;
  const quote = said.slice(prefix?.[0].length ?? 0).replace(/^[:—–·|-]\s+/u, '');
  return { quote: unmarked(quote), call: call ?? prefix?.[1]?.toLowerCase() ?? null };
}

const MARKS: Record<string, string> = { '“': '”', '„': '“', '«': '»', '"': '"' };

/** Removes the quotation marks around the whole text, but not those of two separate quotations. */
function unmarked(text: string): string {
  const open = text.charAt(0);
  const close = MARKS[open];
  if (close === undefined || text.length < 2 || !text.endsWith(close)) return text;
  const inner = text.slice(1, -1);
  if (open === close)
    return inner.split(open).length % 2 === 1 && !/^[^"]*\S"\s.*\s"\S[^"]*$/su.test(inner) ? inner : text;
  let depth = 0;
  for (const character of inner) {
    if (character === open) depth += 1;
    else if (character === close) depth -= 1;
    if (depth < 0) return text;
  }
  return inner;
}

function words(cell: Cell): string {
  const own = cell.clone();
  own.find('script,style,template,button,[hidden],.sr-only,.visually-hidden').remove();
  own.find(BLOCKS).before(' ').after(' ');
  return own
    .text()
    .replace(/[\u00AD\u200B\u2060\uFEFF]/gu, '')
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .trim();
}
