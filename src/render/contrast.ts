import type { CheerioAPI } from 'cheerio';
import { contrastRatio } from '../platform/contrast-ratio.ts';
import { declarationsOf, rulesOf } from './css.ts';
import { shorten } from './markup.ts';

/**
 * Checks that the text of a mail is readable on its background, in light and in dark mode: WCAG 2.2 requires 4.5:1,
 * and 3:1 for large text. Colours come from inline styles, `bgcolor` and the style block, the strongest rule first;
 * a colour that is not a plain one is not checked.
 */

const READABLE = 4.5;
const READABLE_LARGE = 3;

/** Text is large from this size in pixels: 18 pt, or 14 pt when bold. */
const LARGE = 24;
const LARGE_BOLD = 18.66;

const bodies = ($: CheerioAPI) => $('body').toArray();
type Element = ReturnType<typeof bodies>[number];

/** Properties that text inherits from its ancestors. Colours are #rrggbb; null means not checked. */
interface Ink {
  colour: string | null;
  paper: string | null;
  pixels: number;
  isBold: boolean;
}

/** Returns the pairs of colours with too little contrast, each once, with the first text that has them. */
export function unreadableText($: CheerioAPI): string[] {
  const declared = declarationsIn($);
  return (['light', 'dark'] as const).flatMap((scheme) => {
    const styles = new Map<unknown, Map<string, string>>();
    for (const { one, property, value, isDark } of declared) {
      if (isDark && scheme === 'light') continue;
      const style = styles.get(one) ?? new Map<string, string>();
      styles.set(one, style.set(property, value));
    }
    const unreadable = new Map<string, string>();
    for (const body of bodies($))
      checkElement(
        body,
        { colour: '#000000', paper: '#ffffff', pixels: 16, isBold: false },
        styles,
        unreadable,
      );
    return [...unreadable].map(([pair, words]) => `In ${scheme}, "${shorten(words)}" is ${pair}.`);
  });
}

interface Declared {
  one: unknown;
  property: string;
  value: string;
  isDark: boolean;
  weight: number;
}

/** Returns all declarations of an element in light or in dark mode, the weakest first. */
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
  // A mail repeats few inline styles many times: each is read once.
  const inline = new Map<string, unknown[]>();
  for (const one of $('[style]').toArray()) {
    const style = one.attribs.style ?? '';
    const alike = inline.get(style) ?? [];
    alike.push(one);
    inline.set(style, alike);
  }
  for (const [style, alike] of inline) add(alike, style, 1_000);
  return declared.sort((a, b) => a.weight - b.weight);
}

/** An invalid selector matches nothing, as in a browser. */
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

function checkElement(
  element: Element,
  inherited: Ink,
  styles: ReadonlyMap<unknown, ReadonlyMap<string, string>>,
  unreadable: Map<string, string>,
): void {
  const style = styles.get(element) ?? new Map<string, string>();
  if (/^(?:style|script)$/u.test(element.tagName) || style.get('display') === 'none') return;
  const ink = inkFor(element, inherited, style);
  for (const child of element.children) {
    if (child.type === 'tag') checkElement(child, ink, styles, unreadable);
    else if (child.type === 'text' && /[\p{L}\p{N}]/u.test(child.data))
      checkText(child.data.trim(), ink, unreadable);
  }
}

function inkFor({ tagName, attribs }: Element, inherited: Ink, style: ReadonlyMap<string, string>): Ink {
  const paper = style.get('background-color') ?? style.get('background') ?? attribs.bgcolor;
  const own = style.get('color') ?? (tagName === 'a' ? '#0000ee' : undefined);
  const [, pixels] = /^([\d.]+)px$/u.exec(style.get('font-size') ?? '') ?? [];
  const weight = style.get('font-weight');
  const isBold =
    weight === undefined ? /^(?:h[1-6]|b|strong|th)$/u.test(tagName) || inherited.isBold : isHeavy(weight);
  return {
    colour: own === undefined ? inherited.colour : plainColour(own, inherited.colour),
    paper: paper === undefined ? inherited.paper : plainColour(paper, inherited.paper),
    pixels: pixels === undefined ? inherited.pixels : Number(pixels),
    isBold,
  };
}

const isHeavy = (weight: string): boolean => /^bold/u.test(weight) || Number(weight) >= 700;

function checkText(
  words: string,
  { colour, paper, pixels, isBold }: Ink,
  unreadable: Map<string, string>,
): void {
  if (colour === null || paper === null) return;
  const needed = pixels >= (isBold ? LARGE_BOLD : LARGE) ? READABLE_LARGE : READABLE;
  const ratio = contrastRatio(colour, paper);
  if (ratio >= needed) return;
  // Rounded down, so that 4.499 is not reported as 4.5.
  const pair = `${(Math.floor(ratio * 100) / 100).toFixed(2)}:1, ${colour} on ${paper}, where ${needed}:1 is needed`;
  if (!unreadable.has(pair)) unreadable.set(pair, words);
}

const NAMED: Record<string, string> = { white: '#ffffff', black: '#000000' };

/** Returns #rrggbb; `inherited` for transparent values; null for a value that is not checked. */
function plainColour(value: string, inherited: string | null): string | null {
  const text = value.trim().toLowerCase();
  if (/^(?:inherit|transparent|none|0(?: 0)?)$/u.test(text)) return inherited;
  const [, r, g, b] = /^#([\da-f])([\da-f])([\da-f])$/u.exec(text) ?? [];
  if (r && g && b) return `#${r}${r}${g}${g}${b}${b}`;
  return /^#[\da-f]{6}$/u.test(text) ? text : (NAMED[text] ?? null);
}
