import { PLACEHOLDERS, type PlaceholderName } from '../issues/content.ts';

/**
 * A variant is rendered once and split once; each recipient's copy is joined from the parts. No engine, no regular
 * expression and no clock takes part in it, so a retry sends the same bytes (I5).
 */

/**
 * A text split at its placeholders: `literals[0] slots[0] literals[1] … literals[n]`; always one literal more than
 * slots.
 */
export interface Segments {
  literals: string[];
  slots: PlaceholderName[];
}

export interface CompiledVariant {
  html: Segments;
  text: Segments;
}

const names = Object.keys(PLACEHOLDERS) as PlaceholderName[];
const anyOf = (texts: readonly string[]): string =>
  texts.map((text) => text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&')).join('|');
const anyPlaceholder = `(${anyOf(names.map((name) => PLACEHOLDERS[name]))})`;
const nameOf = new Map<string, PlaceholderName>(names.map((name) => [PLACEHOLDERS[name], name]));

/**
 * A personal link is the beginning of an attribute, or of a word of the text. A placeholder further on in a URL of
 * the content is not one, in no variant, however long ago it was rendered and stored.
 */
const PERSONAL_LINK = {
  html: new RegExp(`(?<=href=")${anyPlaceholder}(?=["/])`, 'u'),
  text: new RegExp(`(?<=^|\\s)${anyPlaceholder}(?=\\s|/|$)`, 'u'),
};

function split(source: string, part: 'html' | 'text'): Segments {
  const literals: string[] = [];
  const slots: PlaceholderName[] = [];
  for (const [index, piece] of source.split(PERSONAL_LINK[part]).entries()) {
    const name = index % 2 === 1 ? nameOf.get(piece) : undefined;
    if (name === undefined) literals.push(piece);
    else slots.push(name);
  }
  return { literals, slots };
}

/** Splits a rendered variant at its personal links. Pure. */
export function compile(variant: { html: string; text: string }): CompiledVariant {
  return { html: split(variant.html, 'html'), text: split(variant.text, 'text') };
}

/** Escapes for a double- or single-quoted attribute, where placeholders are. */
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
 * Joins one recipient's copy. `values` are whole URLs, unescaped: they are escaped for their attribute (html) and
 * printed as they are (text).
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
