import { HARD, NONE, type PageText } from './page-text.ts';

/** A reviewer's words, and the text between them and the previous quote (or the heading). */
export interface Quote {
  text: string;
  /** Offsets of the text before the quote. */
  before: { from: number; to: number };
}

export interface Quotes {
  quotes: Quote[];
  /** Text after the last quote, up to the end or to the site's next block. */
  after: { from: number; to: number };
}

interface Style {
  open: string;
  close: string;
  /** Apostrophes look like closing single marks, so single marks cannot be counted. */
  isCounted: boolean;
}

const STYLES: readonly Style[] = [
  { open: '“', close: '”', isCounted: true },
  { open: '"', close: '"', isCounted: true },
  { open: '„', close: '“”', isCounted: true },
  { open: '«', close: '»', isCounted: true },
  { open: '「', close: '」', isCounted: true },
  { open: '‘', close: '’', isCounted: false },
  { open: "'", close: "'", isCounted: false },
];

/** A little more than the model's 4,000 characters, so that a quote that is too long is still found as a whole. */
const MAX_QUOTE = 4_400;
/** A panel of twelve has 24 quotes on two tools; a page that needs ten times as many attempts is no scorecard. */
const MAX_READINGS = 250;

/** Headings of the block after a scorecard. */
const NEXT_BLOCK =
  /^(?:weekly ai tool verdicts|get the next|newsletter|subscribe|sign up|related|more (?:tool )?comparisons|latest comparisons|you may also|keep reading|what readers say|share this|comments?\b|©|copyright)/iu;

/**
 * Finds the quotes of a scorecard from offset `from`, in the marks of the first quote. Quotes may contain quotes,
 * apostrophes and inch marks; a mark ends a quote only when another quote, a short label or the end of the scorecard
 * follows. Null when no interpretation of the marks is consistent.
 */
export function findQuotes(page: PageText, from: number): Quotes | null {
  const used = STYLES.map((style) => ({ style, at: firstOpening(page, style, from) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at);
  for (const { style } of used) {
    const quotes = readQuotes(page, style, from);
    if (quotes && quotes.quotes.length > 0) return quotes;
  }
  return null;
}

function firstOpening(page: PageText, style: Style, from: number): number {
  for (let at = page.flat.indexOf(style.open, from); at !== -1; at = page.flat.indexOf(style.open, at + 1)) {
    if (opens(page.flat, at, style)) return at;
  }
  return -1;
}

function opens(flat: string, at: number, style: Style): boolean {
  if (!style.open.includes(flat.charAt(at))) return false;
  const before = flat.charAt(at - 1);
  const after = flat.charAt(at + 1);
  if (after === '' || after === ' ') return false;
  if (style.open !== style.close) return style.isCounted || !/[\p{L}\p{N}]/u.test(before);
  return (
    before === '' || /[\s([—–/“‘-]/u.test(before) || (before === style.open && opens(flat, at - 1, style))
  );
}

function closes(flat: string, at: number, style: Style): boolean {
  if (!style.close.includes(flat.charAt(at))) return false;
  if (style.open !== style.close) return true;
  return !opens(flat, at, style) && !/[\p{L}\p{N}]/u.test(flat.charAt(at + 1));
}

function readQuotes(page: PageText, style: Style, from: number): Quotes | null {
  const { flat } = page;
  const known = new Map<number, Quotes | null>();
  let readings = 0;

  function read(pos: number): Quotes | null {
    const seen = known.get(pos);
    if (seen !== undefined) return seen;
    readings += 1;
    if (readings > MAX_READINGS) return null;
    const result = attempt(pos);
    known.set(pos, result);
    return result;
  }

  function attempt(pos: number): Quotes | null {
    const open = nextOpening(pos);
    const to = Math.min(open === -1 ? flat.length : open, nextBlock(page, pos));
    if (to !== open) return isQuiet(pos, to) ? { quotes: [], after: { from: pos, to } } : null;
    if (pos !== from && !isLabel(flat.slice(pos, open))) return null;
    for (const end of closings(open)) {
      const rest = read(end + 1);
      if (!rest) continue;
      const quote = { text: flat.slice(open + 1, end).trim(), before: { from: pos, to: open } };
      return { quotes: [quote, ...rest.quotes], after: rest.after };
    }
    return null;
  }

  function nextOpening(pos: number): number {
    for (let at = pos; at < flat.length; at += 1) {
      if (!style.open.includes(flat.charAt(at))) continue;
      if (at === pos ? flat.charAt(at + 1) !== ' ' : opens(flat, at, style)) return at;
    }
    return -1;
  }

  /** False when a closing mark remains after the last quote: that quote was then split too early. */
  function isQuiet(pos: number, to: number): boolean {
    for (let at = pos; at < to; at += 1) {
      if (closes(flat, at, style) && (style.isCounted || endsLine(page, at + 1))) return false;
    }
    return true;
  }

  /** The possible ends of the quote opened at `open`, most likely first. */
  function closings(open: number): number[] {
    const balanced: number[] = [];
    const midLine: number[] = [];
    const others: number[] = [];
    let depth = 1;
    let isOpenInside = false;
    const last = Math.min(flat.length, open + MAX_QUOTE);
    for (let at = open + 1; at < last; at += 1) {
      if (opens(flat, at, style)) {
        depth += 1;
        isOpenInside ||= page.breakAt(at) === HARD;
      } else if (closes(flat, at, style)) {
        depth = style.isCounted ? depth - 1 : 0;
        const rest = /^[.,;:]?\s*/u.exec(flat.slice(at + 1))?.[0].length ?? 0;
        const next = at + 1 + rest;
        const isEnd = next >= flat.length || page.breakAt(next) !== NONE;
        const isFollowed = style.open.includes(flat.charAt(next));
        const words = flat.slice(next, next + 40);
        if (depth <= 0 && isEnd) {
          balanced.push(at);
        } else if (depth <= 0 && (isFollowed || LABEL_START.test(words) || NEXT_BLOCK.test(words))) {
          midLine.push(at);
        } else if (isEnd && !isOpenInside && (isFollowed || next >= flat.length || NEXT_BLOCK.test(words))) {
          others.push(at);
        }
        // A mark that closes nothing, as in 24", is not a quotation mark.
        if (depth <= 0) depth = 1;
      }
    }
    return [...balanced, ...midLine, ...others];
  }

  return read(from);
}

function endsLine(page: PageText, after: number): boolean {
  return after >= page.flat.length || page.breakAt(after + 1) !== NONE;
}

/** The site's next block begins on a new line, or directly after a quote when the page has no lines. */
function nextBlock(page: PageText, from: number): number {
  for (let at = from; at < page.flat.length; at += 1) {
    if ((page.breakAt(at) !== NONE || at === from + 1) && NEXT_BLOCK.test(page.flat.slice(at, at + 40)))
      return at;
  }
  return page.flat.length;
}

const LABEL_START = /^(?:[—–-]|\(?(?:the |would )?(?:ship|skip)\b|the \p{Lu}|\|)/iu;

/** Whether a text between two quotes can be a reviewer, a lens, a call or a tool's name; a sentence cannot. */
export function isLabel(text: string): boolean {
  const words = text.trim().split(/\s+/u);
  return text.trim().length <= 140 && words.length <= 16 && !/\p{Ll}{2}[.!?](?:\s|$)/u.test(text.trim());
}
