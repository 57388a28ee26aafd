import type { CheerioAPI } from 'cheerio';
import { contrastRatio } from '../platform/contrast-ratio.ts';
import { declarationsOf, rulesOf } from './css.ts';
import { shorten } from './markup.ts';

/**
 * Whether the words of a mail can be read on what they stand on, in light and in dark: WCAG 2.2 asks for 4.5:1, and
 * for 3:1 where letters are large. Colours are told by inline styles, by `bgcolor` and by the style block, the
 * strongest rule first; a colour that is no plain one is not judged.
 */

const READABLE = 4.5;
const READABLE_LARGE = 3;

/** Pixels from which letters are large: 18 pt, or 14 pt when bold. */
const LARGE = 24;
const LARGE_BOLD = 18.66;

const bodies = ($: CheerioAPI) => $('body').toArray();
type Element = ReturnType<typeof bodies>[number];

/** What words inherit from the elements around them. Colours are #rrggbb; null is one that is not judged. */
interface Ink {
  colour: string | null;
  paper: string | null;
  pixels: number;
  isBold: boolean;
}

/** Pairs of colours on which words stand that cannot be read well, each once with the first of its words. */
export function faintWords($: CheerioAPI): string[] {
  const declared = declarationsIn($);
  return (['light', 'dark'] as const).flatMap((scheme) => {
    const styles = new Map<unknown, Map<string, string>>();
    for (const { one, property, value, isDark } of declared) {
      if (isDark && scheme === 'light') continue;
      const style = styles.get(one) ?? new Map<string, string>();
      styles.set(one, style.set(property, value));
    }
    const faint = new Map<string, string>();
    for (const body of bodies($))
      look(body, { colour: '#000000', paper: '#ffffff', pixels: 16, isBold: false }, styles, faint);
    return [...faint].map(([pair, words]) => `In ${scheme}, "${shorten(words)}" is ${pair}.`);
  });
}

interface Declared {
  one: unknown;
  property: string;
  value: string;
  isDark: boolean;
  weight: number;
}

/** Everything that is declared for an element in light or in dark, the weakest first. */
function declarationsIn($: CheerioAPI): Declared[] {
  const declared: Declared[] = [];
  const add = (elements: readonly unknown[], body: string, specificity: number, isDark = false) => {
    for (const [property, given] of declarationsOf(body)) {
      const value = given.replace(/\s*!\s*important$/u, '');
      const weight = specificity + (value === given ? 0 : 10_000);
      for (const one of elements) declared.push({ one, property, value, isDark, weight });
    }
  };
  for (const { selector, body, at } of rulesOf($('style').text())) {
    const isDark = /prefers-color-scheme\s*:\s*dark/u.test(at);
    if (at !== '' && !isDark) continue;
    for (const each of selector.split(',')) add(matching($, each), body, weightOf(each), isDark);
  }
  for (const one of $('[style]').toArray()) add([one], $(one).attr('style') ?? '', 1_000);
  return declared.sort((a, b) => a.weight - b.weight);
}

/** A selector that cannot be read matches nothing, as in a browser. */
function matching($: CheerioAPI, selector: string): unknown[] {
  try {
    return $(selector).toArray();
  } catch {
    return [];
  }
}

function weightOf(selector: string): number {
  const count = (pattern: RegExp) => selector.match(pattern)?.length ?? 0;
  return 100 * count(/#[\w-]/gu) + 10 * count(/[.[:][\w-]/gu) + count(/(?:^|[\s>+~])[a-z]/giu);
}

function look(
  element: Element,
  around: Ink,
  styles: ReadonlyMap<unknown, ReadonlyMap<string, string>>,
  faint: Map<string, string>,
): void {
  const style = styles.get(element) ?? new Map<string, string>();
  if (/^(?:style|script)$/u.test(element.tagName) || style.get('display') === 'none') return;
  const ink = inkOf(element, around, style);
  for (const child of element.children) {
    if (child.type === 'tag') look(child, ink, styles, faint);
    else if (child.type === 'text' && /[\p{L}\p{N}]/u.test(child.data)) judge(child.data.trim(), ink, faint);
  }
}

function inkOf({ tagName, attribs }: Element, around: Ink, style: ReadonlyMap<string, string>): Ink {
  const paper = style.get('background-color') ?? style.get('background') ?? attribs.bgcolor;
  const own = style.get('color') ?? (tagName === 'a' ? '#0000ee' : undefined);
  const [, pixels] = /^([\d.]+)px$/u.exec(style.get('font-size') ?? '') ?? [];
  const weight = style.get('font-weight');
  const isBold =
    weight === undefined ? /^(?:h[1-6]|b|strong|th)$/u.test(tagName) || around.isBold : isHeavy(weight);
  return {
    colour: own === undefined ? around.colour : plainColour(own, around.colour),
    paper: paper === undefined ? around.paper : plainColour(paper, around.paper),
    pixels: pixels === undefined ? around.pixels : Number(pixels),
    isBold,
  };
}

const isHeavy = (weight: string): boolean => /^bold/u.test(weight) || Number(weight) >= 700;

function judge(words: string, { colour, paper, pixels, isBold }: Ink, faint: Map<string, string>): void {
  if (colour === null || paper === null) return;
  const needed = pixels >= (isBold ? LARGE_BOLD : LARGE) ? READABLE_LARGE : READABLE;
  const ratio = contrastRatio(colour, paper);
  if (ratio >= needed) return;
  // Rounded down, or 4.499 would be refused as 4.5.
  const pair = `${(Math.floor(ratio * 100) / 100).toFixed(2)}:1, ${colour} on ${paper}, where ${needed}:1 is needed`;
  if (!faint.has(pair)) faint.set(pair, words);
}

const NAMED: Record<string, string> = { white: '#ffffff', black: '#000000' };

/** #rrggbb; `inherited` for what lets through what is behind it; null for what is not judged. */
function plainColour(value: string, inherited: string | null): string | null {
  const text = value.trim().toLowerCase();
  if (/^(?:inherit|transparent|none|0(?: 0)?)$/u.test(text)) return inherited;
  const [, r, g, b] = /^#([\da-f])([\da-f])([\da-f])$/u.exec(text) ?? [];
  if (r && g && b) return `#${r}${r}${g}${g}${b}${b}`;
  return /^#[\da-f]{6}$/u.test(text) ? text : (NAMED[text] ?? null);
}
