import { createHash } from 'node:crypto';
import type { Comparison, Tool } from './model.ts';

/** Half of the 160 characters of a slug, less the "-vs-". */
const SLUG_MAX_LENGTH = 78;

/** "Cursor vs Zed", the names as the site prints them. */
export function title(comparison: Pick<Comparison, 'tools'>): string {
  return `${comparison.tools[0].name} vs ${comparison.tools[1].name}`;
}

/**
 * The comparison's slug, from its two names: NFKC, lower case, and every run of characters other than letters, marks
 * and digits (of any script) becomes one hyphen. "C++ Copilot", "データ舟" -> "c-copilot-vs-データ舟".
 */
export function slugFor(nameA: string, nameB: string): string {
  return `${nameSlug(nameA)}-vs-${nameSlug(nameB)}`;
}

function nameSlug(name: string): string {
  const words = name
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/['’]/gu, '')
    .split(/[^\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}]+/u)
    .filter(Boolean);
  let slug = '';
  for (const word of words) {
    const longer = slug ? `${slug}-${word}` : word;
    if (longer.length > SLUG_MAX_LENGTH) break;
    slug = longer;
  }
  // A name of symbols only, or one very long word, also needs a stable and distinct slug.
  return slug || createHash('sha256').update(name.normalize('NFC')).digest('hex').slice(0, 12);
}

/** The same key for A-vs-B and B-vs-A, whatever the case and width of the names. */
export function pairKey(comparison: {
  readonly tools: readonly [Pick<Tool, 'name'>, Pick<Tool, 'name'>];
}): string {
  return JSON.stringify(comparison.tools.map((tool) => nameKey(tool.name)).sort());
}

/** The same key for a name in any case and width. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** One spelling of a page's URL: lower-case host, percent-encoded path, no fragment, and no tracking parameters. */
export function canonicalUrl(url: string): string {
  const canonical = new URL(url);
  canonical.hash = '';
  const trackers = [...canonical.searchParams.keys()].filter((name) => TRACKER.test(name));
  for (const name of trackers) canonical.searchParams.delete(name);
  return canonical.href;
}
const TRACKER = /^(?:utm_\w+|fbclid|gclid|msclkid|mc_[ce]id)$/iu;

/** "Free vs $20/mo", or the one price when both are the same. */
export function entryPrices(tools: readonly [Pick<Tool, 'entryPrice'>, Pick<Tool, 'entryPrice'>]): string {
  const [a, b] = [tools[0].entryPrice, tools[1].entryPrice];
  return a.toLowerCase() === b.toLowerCase() ? a : `${a} vs ${b}`;
}

/** A comparison's topics: the categories of its tools, each once, in the order of the tools. */
export function topics(comparison: Pick<Comparison, 'tools'>): string[] {
  return [...new Set(comparison.tools.map((tool) => tool.category))];
}

/**
 * Fingerprint of the content that readers see, 64 hex digits: an equal hash needs no new revision. Slug and publishing
 * date are not part of it, because they name and date the comparison.
 */
export function contentHash(comparison: Comparison): string {
  const { url, tools } = comparison;
  return createHash('sha256').update(canonical({ url, tools })).digest('hex');
}

/** JSON with sorted keys, so that the order of a source's fields does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

/** Whether a line of text names one of the tools. */
export function isNamedIn(line: string, { tools }: Pick<Comparison, 'tools'>): boolean {
  const text = line.toLowerCase();
  return tools.some(({ name }) => text.includes(name.toLowerCase()));
}
