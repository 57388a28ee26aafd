import { createHash } from 'node:crypto';
import type { Comparison, Tool } from './model.ts';

/** Characters of a name beside another name: half of a subject line. */
const NAME_MAX_LENGTH = 28;
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

/** Both names shortened to fit a verdict, unless that would make them equal. */
export function shortNames(tools: readonly [Pick<Tool, 'name'>, Pick<Tool, 'name'>]): [string, string] {
  const [a, b] = [shortName(tools[0].name), shortName(tools[1].name)];
  return a === b ? [tools[0].name, tools[1].name] : [a, b];
}

/**
 * A name of at most about 28 characters: parentheses are removed first, then words from the end, "Inference Providers
 * Enterprise Edition (EU)" -> "Inference Providers…". One very long word is truncated.
 */
export function shortName(name: string): string {
  if (name.length <= NAME_MAX_LENGTH) return name;
  const bare = name
    .replace(/\s*(?:\([^()]*\)|\[[^[\]]*\])/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  if (bare && bare.length <= NAME_MAX_LENGTH) return bare;
  let short = '';
  for (const word of (bare || name).split(' ')) {
    if (short && short.length + 1 + word.length > NAME_MAX_LENGTH) break;
    short = short ? `${short} ${word}` : word;
  }
  // By code point, so that no surrogate pair is split.
  if (short.length > NAME_MAX_LENGTH) short = [...short].slice(0, NAME_MAX_LENGTH - 1).join('');
  return `${withoutLooseEnd(short.replace(/[\s,;:·|–—-]+$/u, ''))}…`;
}

/** Removes an incomplete phrase at the end of a truncated text: "Whisperer for Very" becomes "Whisperer". */
export function withoutLooseEnd(cut: string): string {
  return cut.replace(/(?<=\S)\s+(?:for|of|with|in|on|at|to|by|from|and|or|the|a|an|&)(?:\s+\S+)?$/iu, '');
}

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

/** Whether a line of text names one of the tools, in full or in the mail's short form. */
export function isNamedIn(line: string, { tools }: Pick<Comparison, 'tools'>): boolean {
  const text = line.toLowerCase();
  return tools.some(({ name }) => [name, shortName(name)].some((each) => text.includes(each.toLowerCase())));
}
