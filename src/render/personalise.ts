import { PLACEHOLDERS, type PlaceholderName } from '../issues/index.ts';

/**
 * A variant is rendered once and cut once; every recipient's copy is the pieces put together. No engine,
 * no regular expression and no clock takes part in it, so a retry sends the same bytes (I5).
 */

/** A text cut at its placeholders: `literals[0] slots[0] literals[1] … literals[n]`; always one literal more than slots. */
export interface Segments {
  literals: string[];
  slots: PlaceholderName[];
}

export interface CompiledVariant {
  html: Segments;
  text: Segments;
}

const nameOf = new Map<string, PlaceholderName>(
  Object.entries(PLACEHOLDERS).map(([name, url]) => [url, name as PlaceholderName]),
);

/** Longest first, so that a placeholder which begins like another is never cut short. */
const anyPlaceholder = new RegExp(
  `(${[...nameOf.keys()]
    .sort((a, b) => b.length - a.length)
    .map((url) => url.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&'))
    .join('|')})`,
  'u',
);

function cut(source: string): Segments {
  const literals: string[] = [];
  const slots: PlaceholderName[] = [];
  for (const piece of source.split(anyPlaceholder)) {
    const name = nameOf.get(piece);
    if (name === undefined) literals.push(piece);
    else slots.push(name);
  }
  return { literals, slots };
}

/** Cuts a rendered variant at the placeholders of the contract. Pure. */
export function compile(variant: { html: string; text: string }): CompiledVariant {
  return { html: cut(variant.html), text: cut(variant.text) };
}

/** For a double- or single-quoted attribute, where the placeholders stand. */
const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escapeAttribute = (value: string): string =>
  value.replace(/[&<>"']/gu, (one) => escapes[one] ?? one);

function join({ literals, slots }: Segments, value: (name: PlaceholderName) => string): string {
  let whole = literals[0] ?? '';
  for (const [index, name] of slots.entries()) whole += value(name) + (literals[index + 1] ?? '');
  return whole;
}

/**
 * One recipient's copy. `values` are whole URLs, unescaped: they are escaped for the attribute they stand
 * in (html) and printed as they are (text).
 */
export function personalise(
  compiled: CompiledVariant,
  values: Record<PlaceholderName, string>,
): { html: string; text: string } {
  return {
    html: join(compiled.html, (name) => escapeAttribute(values[name])),
    text: join(compiled.text, (name) => values[name]),
  };
}
