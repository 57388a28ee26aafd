import type { CheerioAPI } from 'cheerio';
import { loadPage } from '../markup-limits.ts';
import {
  all,
  drop,
  type Element,
  edgeAround,
  edgeWithin,
  hideButtons,
  isWithin,
  moveOut,
  pairFigures,
  separateInlineValues,
  separateLabels,
} from '../page-html.ts';

/**
 * A page as one flat line of words, with single spaces between them, and the positions of its line breaks. Fields are
 * found in the flat line, so that wrapping does not matter; line breaks decide where the words alone do not show the
 * border between two fields.
 */
export interface PageText {
  readonly flat: string;
  /** The break before the word at `offset`: a new line, perhaps a wrapped line, or none. */
  breakAt(offset: number): Break;
  /** Canonical URL and publishing date, if the page's head gives them. */
  readonly url: string | null;
  readonly publishedAt: string | null;
}

export const HARD = 2;
export const SOFT = 1;
export const NONE = 0;
export type Break = typeof HARD | typeof SOFT | typeof NONE;

/** Longer than any name, category, tagline or price: a text with longer lines did not wrap any of them. */
const UNWRAPPED = 240;

export function readText(source: string): PageText {
  return isHtml(source)
    ? fromHtml(source)
    : { ...flatten(clean(source), false), url: null, publishedAt: null };
}

function isHtml(source: string): boolean {
  const closing = source.match(/<\/(?:p|div|h[1-6]|section|article|main|table|ul|ol|dl|span|body)>/giu);
  return /^\s*(?:<!doctype|<!--|<\?xml|<[a-z][\w-]*[\s/>])/iu.test(source) || (closing?.length ?? 0) > 3;
}

/** Normalises line endings, and removes invisible characters. Joiners stay where a script needs them. */
function clean(text: string): string {
  return text
    .replace(/\r\n?|[\u0085\u2028\u2029\v\f]/gu, '\n')
    .replace(/[\u00AD\u200B\u2060\uFEFF]/gu, '')
    .replace(/(?<=^|[\p{Script=Latin}\p{N}\p{P}\p{Sc}\s])[\u200C\u200D]+/gu, '')
    .normalize('NFC');
}

function flatten(text: string, isEveryLineWhole: boolean): Pick<PageText, 'flat' | 'breakAt'> {
  const lines = text
    .split('\n')
    .map((line) => ({ length: line.trimEnd().length, words: line.trim().replace(/\s+/gu, ' ') }))
    .filter((line) => line.words !== '');
  // A very long word says nothing about the intended line width.
  const width = lines.reduce(
    (most, { words, length }) => (words.includes(' ') ? Math.max(most, length) : most),
    0,
  );
  const whole = isEveryLineWhole || width > UNWRAPPED;

  const breaks = new Map<number, Break>();
  let flat = '';
  let previous: (typeof lines)[number] | undefined;
  for (const line of lines) {
    const firstWord = line.words.split(' ', 1)[0] ?? '';
    // Wrapping breaks a line only where the next word does not fit. If it fits, the break is intended.
    const fits = previous === undefined || previous.length + 1 + firstWord.length <= width;
    if (flat) flat += ' ';
    breaks.set(flat.length, whole || fits ? HARD : SOFT);
    flat += line.words;
    previous = line;
  }
  return { flat, breakAt: (offset) => (offset >= flat.length ? HARD : (breaks.get(offset) ?? NONE)) };
}

const UNSEEN =
  'script,style,noscript,template,svg,canvas,iframe,object,video,audio,nav,select,textarea,input,' +
  '[hidden],.sr-only,.visually-hidden';
const BLOCKS =
  'address,article,aside,blockquote,br,caption,center,dd,details,div,dl,dt,fieldset,figcaption,figure,footer,' +
  'form,h1,h2,h3,h4,h5,h6,header,hgroup,hr,li,main,ol,p,pre,q,section,summary,table,tbody,td,tfoot,th,thead,tr,ul';
const QUOTES = new Set(['blockquote', 'q']);
const QUOTED = new Set(['blockquote', 'figure']);
/** Stands for a line break while the source's own white space, which has no meaning, is removed. */
const EDGE = '\u001E';

function fromHtml(source: string): PageText {
  const $ = loadPage(source.replaceAll(EDGE, ' '));
  const url = canonicalOf($);
  const publishedAt = publishedOf($);

  drop(all($, `head,${UNSEEN}`));
  drop(
    all($, '[style]').filter(({ attribs }) =>
      /display:\s*none|visibility:\s*hidden/iu.test(attribs.style ?? ''),
    ),
  );
  hideButtons($);
  pairFigures($);
  drop(all($, 'footer').filter((footer) => !isWithin(footer, QUOTED)));

  const quotes = all($, 'blockquote,q').filter(({ parent }) => !isWithin(parent, QUOTES));
  moveOut($, quotes, 'footer,cite,figcaption');
  separateLabels($, EDGE);
  separateInlineValues($, EDGE);
  const blocks = all($, BLOCKS);
  edgeAround(blocks, EDGE);
  edgeWithin(blocks, EDGE);

  // Browsers draw the quotation marks of <q>, and designers those of <blockquote>, unless the text has its own.
  const isMarked = (text: string) => /^["“„«「].*["”“»」]$/su.test(text);
  const words = (quote: Element) => $(quote).text().replaceAll(EDGE, ' ').trim();
  if (!quotes.every((quote) => isMarked(words(quote)))) {
    for (const quote of quotes) $(quote).text(`${EDGE}“${words(quote)}”${EDGE}`);
  }

  const text = clean($('body').text()).replace(/\s+/gu, ' ').replaceAll(EDGE, '\n');
  return { ...flatten(text, true), url, publishedAt };
}

/** The lines of a range of the page; wrapped lines are joined, unless `kind` is {@link SOFT}. */
export function linesOf(
  page: PageText,
  { from, to }: { from: number; to: number },
  kind: Break = HARD,
): string[] {
  const lines: string[] = [];
  let start = from;
  for (let at = from + 1; at < to; at += 1) {
    if (page.breakAt(at) < kind) continue;
    lines.push(page.flat.slice(start, at).trim());
    start = at;
  }
  lines.push(page.flat.slice(start, to).trim());
  return lines.filter(Boolean);
}

/** The canonical URL of a page. */
export function canonicalOf($: CheerioAPI): string | null {
  return $('link[rel="canonical"]').attr('href') ?? $('meta[property="og:url"]').attr('content') ?? null;
}

/** The publishing date of a page, in its own notation. */
export function publishedOf($: CheerioAPI): string | null {
  return $('meta[property="article:published_time"]').attr('content') ?? null;
}
