import { SaxesParser } from 'saxes';
import { Unreadable } from '../crawl/decode.ts';
import { addressIn } from '../parse/values.ts';

/** One entry of a sitemap: a page, or in an index another sitemap. */
export interface SitemapEntry {
  url: string;
  /** As the site writes it: a date, or a date and a time. */
  lastmod: string | null;
}

export interface Sitemap {
  kind: 'index' | 'pages';
  entries: SitemapEntry[];
}

interface Listed extends Sitemap {
  /** Characters of its URLs. */
  characters: number;
}

/** The protocol's own limit for one file (sitemaps.org). */
const MAX_ENTRIES = 50_000;

/** Characters of all URLs of a file together. */
const MAX_CHARACTERS = 10_000_000;

/** Deeper than any element of the protocol and its extensions. */
const MAX_DEPTH = 20;

/** Bytes that are parsed at once: the text of a 50 MB file would need four times as much memory. */
const PIECE = 1_000_000;

/**
 * Reads a sitemap in pieces; a plain list of URLs, one a line, counts as one too.
 *
 * @throws Unreadable with the reason, when it is neither.
 */
export function readSitemap(body: Uint8Array, base: string): Sitemap {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let reader: ReturnType<typeof xmlReader> | ReturnType<typeof lineReader> | undefined;
  for (let at = 0; at < body.length; at += PIECE) {
    const text = decode(decoder, body.subarray(at, at + PIECE), at + PIECE < body.length);
    reader ??= /^\s*https?:/iu.test(text) ? lineReader(base) : xmlReader(base);
    reader.write(text);
  }
  if (reader === undefined) throw new Unreadable('is empty');
  const { kind, entries } = reader.end();
  return { kind, entries };
}

function decode(decoder: InstanceType<typeof TextDecoder>, piece: Uint8Array, hasMore: boolean): string {
  try {
    return decoder.decode(piece, { stream: hasMore });
  } catch {
    throw new Unreadable('is no text in utf-8');
  }
}

function xmlReader(base: string) {
  const sitemap: Listed = { kind: 'pages', entries: [], characters: 0 };
  const path: string[] = [];
  let text = '';
  let entry: { loc?: string; lastmod?: string } = {};
  const parser = new SaxesParser({ xmlns: false });
  parser.on('error', (error) => {
    throw new Unreadable(`is no sitemap: ${error.message}`);
  });
  parser.on('opentag', ({ name }) => {
    const tag = name.replace(/^.*:/u, '').toLowerCase();
    if (path.length === 0) {
      if (tag !== 'urlset' && tag !== 'sitemapindex')
        throw new Unreadable(`is no sitemap: it begins with <${tag}>`);
      sitemap.kind = tag === 'urlset' ? 'pages' : 'index';
    }
    // Images and translations of a page have a <loc> of their own, deeper or in another namespace.
    path.push(name.includes(':') && path.length > 1 ? name : tag);
    if (path.length > MAX_DEPTH) throw new Unreadable(`is no sitemap: nested more than ${MAX_DEPTH} deep`);
    if (path.length === 2) entry = {};
    text = '';
  });
  const add = (part: string) => {
    if (path.length === 3 && text.length < 4_096) text += part;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const tag = path.at(-1);
    if (path.length === 3 && (tag === 'loc' || tag === 'lastmod')) entry[tag] = text.trim();
    if (path.length === 2 && entry.loc) addEntry(sitemap, entry.loc, entry.lastmod ?? null, base);
    path.pop();
  });
  return {
    write: (part: string) => void parser.write(part),
    end: () => {
      parser.close();
      return sitemap;
    },
  };
}

function lineReader(base: string) {
  const sitemap: Listed = { kind: 'pages', entries: [], characters: 0 };
  let rest = '';
  const line = (text: string) => {
    if (text.trim() !== '') addEntry(sitemap, text.trim(), null, base);
  };
  return {
    write: (part: string) => {
      const lines = (rest + part).split(/\r?\n/u);
      rest = lines.pop() ?? '';
      for (const text of lines) line(text);
      if (rest.length > PIECE) throw new Unreadable('has a line longer than any address');
    },
    end: () => {
      line(rest);
      return sitemap;
    },
  };
}

function addEntry(sitemap: Listed, loc: string, lastmod: string | null, base: string): void {
  if (sitemap.entries.length >= MAX_ENTRIES) throw new Unreadable(`lists more than ${MAX_ENTRIES} addresses`);
  const url = addressIn(loc, base);
  if (url === null) return;
  sitemap.characters += url.href.length;
  if (sitemap.characters > MAX_CHARACTERS)
    throw new Unreadable(`lists more than ${MAX_CHARACTERS / 1e6} MB of addresses`);
  sitemap.entries.push({ url: url.href, lastmod: lastmod?.slice(0, 40) || null });
}
