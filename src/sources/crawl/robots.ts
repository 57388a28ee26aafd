import { addressIn } from '../parse/values.ts';
import { Unreadable } from './decode.ts';

/** The rules of a site's robots.txt that apply to us, as plain data, so that they can be passed between threads. */
export interface Robots {
  /** The rules apply to URLs that begin with it. */
  origin: string;
  /** Longest first, and of equal length `allow` first: the first matching rule decides. */
  rules: { allow: boolean; pattern: string }[];
  /** Milliseconds that the site wants between requests; 0 without a delay. */
  delayMs: number;
  sitemaps: string[];
}

/** A site with a longer delay would take days to read; we wait this long. */
const MAX_DELAY_MS = 5_000;

/** Every URL is checked against every rule; the longest real lists have some hundred rules. */
const MAX_RULES = 1_000;

interface Group {
  rules: Robots['rules'];
  delayMs: number;
}

/**
 * Reads robots.txt by RFC 9309: all groups that name us together, or else those for every agent.
 *
 * @throws Unreadable when there are too many rules for us to follow.
 */
export function readRobots(url: string, text: string, agent: string): Robots {
  const own: Group = { rules: [], delayMs: 0 };
  const common: Group = { rules: [], delayMs: 0 };
  const sitemaps: string[] = [];
  let isNamed = false;
  let open = new Set<Group>();
  let isHead = false;
  for (const line of text.split(/\r\n|\r|\n/u)) {
    const [field, value] = fieldOf(line);
    if (field === '') continue;
    if (field === 'user-agent') {
      if (!isHead) open = new Set();
      const name = value.toLowerCase().split('/', 1)[0]?.trim();
      if (name === agent.toLowerCase()) {
        open.add(own);
        isNamed = true;
      } else if (name === '*') open.add(common);
    } else if (field === 'sitemap') {
      const sitemap = addressIn(value, url);
      if (value !== '' && sitemap !== null) sitemaps.push(sitemap.href);
    } else {
      for (const group of open) take(group, field, value);
    }
    isHead = field === 'user-agent';
  }
  const { rules, delayMs } = isNamed ? own : common;
  if (rules.length > MAX_RULES)
    throw new Unreadable(
      `has more than ${MAX_RULES.toLocaleString('en')} rules for us, which nobody could keep to`,
    );
  return { origin: new URL(url).origin, rules: rules.sort(byWeight), delayMs, sitemaps };
}

function fieldOf(line: string): [field: string, value: string] {
  const text = line.split('#', 1)[0] ?? '';
  const colon = text.indexOf(':');
  return colon < 0 ? ['', ''] : [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

function take(group: Group, field: string, value: string): void {
  if ((field === 'allow' || field === 'disallow') && value !== '')
    group.rules.push({ allow: field === 'allow', pattern: encoded(value) });
  const seconds = field === 'crawl-delay' ? Number(value) : Number.NaN;
  if (!Number.isNaN(seconds)) group.delayMs = Math.min(MAX_DELAY_MS, Math.max(0, seconds * 1_000));
}

function byWeight(a: Robots['rules'][number], b: Robots['rules'][number]): number {
  return b.pattern.length - a.pattern.length || Number(b.allow) - Number(a.allow);
}

/** Whether we may request a URL; these rules do not apply to other hosts. */
export function allows({ origin, rules }: Robots, url: string): boolean {
  const target = new URL(url);
  if (target.origin !== origin) return true;
  const path = upperEscapes(target.pathname + target.search);
  return rules.find(({ pattern }) => matches(pattern, path))?.allow ?? true;
}

/**
 * Whether a path matches a pattern, in which `*` matches anything and a final `$` marks the end. Each piece between two
 * stars is matched at its first occurrence, which is always correct and needs no backtracking: the time is linear.
 */
export function matches(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith('$');
  const [head = '', ...pieces] = (isWhole ? pattern.slice(0, -1) : pattern).split('*');
  if (!path.startsWith(head)) return false;
  let at = head.length;
  const tail = isWhole ? pieces.pop() : undefined;
  for (const piece of pieces) {
    const found = find(piece, path, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  if (tail !== undefined) return path.length - tail.length >= at && path.endsWith(tail);
  return !isWhole || at === path.length;
}

/** `text.indexOf(piece, from)` in linear time (Knuth, Morris, Pratt); indexOf can need the product of both lengths. */
function find(piece: string, text: string, from: number): number {
  if (piece.length > text.length - from) return -1;
  const borders = [0];
  for (let at = 1, border = 0; at < piece.length; at += 1) {
    while (border > 0 && piece[at] !== piece[border]) border = borders[border - 1] ?? 0;
    if (piece[at] === piece[border]) border += 1;
    borders.push(border);
  }
  let same = 0;
  for (let at = from; same < piece.length; at += 1) {
    if (at >= text.length) return -1;
    while (same > 0 && text[at] !== piece[same]) same = borders[same - 1] ?? 0;
    if (text[at] === piece[same]) same += 1;
    if (same === piece.length) return at + 1 - same;
  }
  return from;
}

/** Percent-encodes a pattern like the URLs it is compared with. */
function encoded(pattern: string): string {
  return upperEscapes(encodeURI(pattern.toWellFormed()).replaceAll('%25', '%'));
}

function upperEscapes(path: string): string {
  return path.replace(/%[0-9a-f]{2}/giu, (code) => code.toUpperCase());
}
