import type { CheerioAPI } from 'cheerio';
import type { Comparison } from '../../comparisons/model.ts';
import { pairKey } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { checkComparison } from '../faults.ts';
import { camelKeys, isRecord, normalise } from './values.ts';

/** A page's structured data as a comparison, or its faults. */
export type Reading = { comparison: Comparison } | { faults: Fault[] };

const MAX_DEPTH = 40;
const MAX_NODES = 200_000;

/** A part of a page's data that may be its comparison. */
interface Candidate {
  value: { tools: unknown[] };
  url: unknown;
  publishedAt: unknown;
}

/**
 * Finds the comparison in a page's JSON-LD, or in the initial data of its scripts: an object under `_verdict`, an
 * object with two `tools`, or a schema.org list of two applications. Data of other comparisons ("see also") is
 * recognised by the names that the page shows.
 *
 * @returns null when there is none, or more than one is possible: then the visible text must be read.
 */
export function parseStructured(
  $: CheerioAPI,
  defaults: { url: string; publishedAt: string | null },
): Reading | null {
  const candidates: Candidate[] = [];
  $('script').each((_, script) => {
    const type = ($(script).attr('type') ?? '').toLowerCase().split(';')[0]?.trim() ?? '';
    const value = parse($(script).text(), type);
    if (value !== undefined) collect(value, candidates);
  });
  return choose(candidates, defaults, shownBy($));
}

/** The same for a page that is JSON as a whole. */
export function readJson(
  text: string,
  defaults: { url: string; publishedAt: string | null },
): Reading | null {
  const candidates: Candidate[] = [];
  collect(parse(text, 'application/json'), candidates);
  return choose(candidates, defaults, () => 1);
}

function parse(text: string, type: string): unknown {
  const isData = /^application\/(?:.+\+)?json$/u.test(type);
  const isScript = ['', 'module', 'text/javascript', 'application/javascript'].includes(type);
  const json = isData ? text : isScript ? assigned(text) : undefined;
  if (json === undefined) return undefined;
  try {
    // Some sites wrap it, so that old HTML parsers ignore it.
    return JSON.parse(json.replace(/^\s*(?:<!--|\/\/<!\[CDATA\[)|(?:-->|\/\/\]\]>)\s*$/gu, ''));
  } catch {
    return undefined;
  }
}

/**
 * The object in a script that only assigns one object; checked from both ends, so that every text is refused quickly.
 */
function assigned(script: string): string | undefined {
  const start = /^\s*(?:(?:var|let|const)\s+)?[\w.$]{1,200}\s*=\s*(?=[{[])/u.exec(script)?.[0].length;
  if (start === undefined) return undefined;
  const value = script.slice(start).trimEnd();
  return value.endsWith(';') ? value.slice(0, -1) : value;
}

function collect(root: unknown, candidates: Candidate[]): void {
  const open: { value: unknown; depth: number; page: Record<string, unknown> }[] = [];
  open.push({ value: root, depth: 0, page: {} });
  for (let nodes = 0; open.length > 0 && nodes < MAX_NODES; nodes += 1) {
    const { value, depth, page } = open.pop() ?? { value: null, depth: 0, page: {} };
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const each of value) open.push({ value: each, depth: depth + 1, page });
      continue;
    }
    const node = value as Record<string, unknown>;
    const about = node.datePublished || node.url ? { ...page, ...pick(node) } : page;
    const verdict = isRecord(node._verdict) ? toolsOf(node._verdict) : null;
    const tools = verdict ?? toolsOf(node) ?? applicationsOf(node);
    if (tools !== null) {
      const source = verdict === null ? node : (node._verdict as Record<string, unknown>);
      const given = isRecord(source) ? (camelKeys(source) as Record<string, unknown>) : {};
      candidates.push({
        value: { tools },
        url: given.url ?? about.url,
        publishedAt: given.publishedAt ?? given.datePublished ?? about.datePublished,
      });
      continue;
    }
    for (const each of Object.values(node)) open.push({ value: each, depth: depth + 1, page: about });
  }
}

function pick({ url, datePublished }: Record<string, unknown>): Record<string, unknown> {
  return { ...(url ? { url } : {}), ...(datePublished ? { datePublished } : {}) };
}

const PAIRS: [string, string][] = [
  ['toolA', 'toolB'],
  ['tool1', 'tool2'],
  ['left', 'right'],
  ['a', 'b'],
];

/** Two tools in the model's shape, whatever the fields are called. */
function toolsOf(node: Record<string, unknown>): unknown[] | null {
  const fields = camelKeys(node, 11) as Record<string, unknown>;
  const pairs = PAIRS.map(([a, b]) => [fields[a], fields[b]]);
  for (const pair of [fields.tools, ...pairs]) {
    if (!Array.isArray(pair) || pair.length !== 2) continue;
    const tools = pair.map(toolOf);
    if (tools.every((tool) => tool !== null)) return tools;
  }
  return null;
}

function toolOf(value: unknown): Record<string, unknown> | null {
  const tool = camelKeys(value);
  if (!isRecord(tool)) return null;
  const panelShip = first(tool, 'panelShip', 'panelShipPercent', 'panel');
  const name = first(tool, 'name', 'title');
  if (typeof name !== 'string' || panelShip === undefined) return null;
  const reviews = first(tool, 'reviews', 'panelReviews', 'scorecard');
  return {
    name,
    panelShip,
    category: first(tool, 'category', 'applicationCategory'),
    tagline: first(tool, 'tagline', 'subtitle', 'slogan'),
    description: first(tool, 'description', 'summary'),
    communityShip: first(tool, 'communityShip', 'communityShipPercent', 'community'),
    entryPrice: first(tool, 'entryPrice', 'entry', 'price', 'pricing'),
    reviews: Array.isArray(reviews) ? reviews.map(reviewOf) : [],
  };
}

function reviewOf(review: unknown): unknown {
  if (!isRecord(review)) return review;
  return {
    lens: first(review, 'lens', 'reviewer', 'role', 'persona'),
    quote: first(review, 'quote', 'text', 'body', 'reviewBody'),
    call: first(review, 'call', 'verdict', 'vote', 'decision') ?? null,
  };
}

function first(fields: Record<string, unknown>, ...names: string[]): unknown {
  const name = names.find((each) => fields[each] !== undefined && fields[each] !== null);
  return name === undefined ? undefined : fields[name];
}

/** Two schema.org applications in one list, with our figures as `additionalProperty`. */
function applicationsOf(node: Record<string, unknown>): unknown[] | null {
  for (const key of ['itemListElement', 'mainEntity', 'about', 'hasPart', 'mentions']) {
    const list = node[key];
    if (!Array.isArray(list) || list.length !== 2) continue;
    const tools = list.map((each) => applicationOf(isRecord(each) && isRecord(each.item) ? each.item : each));
    if (tools.every((tool) => tool !== null)) return tools;
  }
  return null;
}

function applicationOf(value: unknown): Record<string, unknown> | null {
  if (!isRecord(value) || typeof value.name !== 'string' || value.applicationCategory === undefined)
    return null;
  const properties = new Map(
    asList(value.additionalProperty).flatMap((each): [string, unknown][] =>
      isRecord(each) && typeof each.name === 'string' ? [[each.name.toLowerCase().trim(), each.value]] : [],
    ),
  );
  const panelShip = properties.get('panel ship') ?? properties.get('panelship');
  if (panelShip === undefined) return null;
  const [offer] = asList(value.offers);
  return {
    name: value.name,
    panelShip,
    category: value.applicationCategory,
    tagline: value.slogan ?? value.alternativeHeadline ?? value.disambiguatingDescription,
    description: value.description,
    communityShip: properties.get('community') ?? null,
    entryPrice: properties.get('entry') ?? properties.get('entry price') ?? priceOf(offer),
    reviews: asList(value.review).map((each) => {
      if (!isRecord(each)) return each;
      const author = isRecord(each.author) ? (each.author.jobTitle ?? each.author.name) : each.author;
      const lens = each.reviewAspect ?? author;
      return {
        lens: typeof lens === 'string' ? lens.replace(/^the\s+/iu, '') : lens,
        quote: each.reviewBody,
        call: callOf(each),
      };
    }),
  };
}

/** Only a zero price has a known wording ("Free"); other prices are in a description. */
function priceOf(offer: unknown): unknown {
  if (!isRecord(offer)) return undefined;
  if (typeof offer.description === 'string') return offer.description;
  return Number(offer.price) === 0 ? 'Free' : undefined;
}

function callOf({ name, reviewRating }: Record<string, unknown>): string | null {
  const words = isRecord(reviewRating) ? (reviewRating.name ?? reviewRating.ratingExplanation) : name;
  return typeof words === 'string' && /^(?:ship|skip)$/iu.test(words.trim()) ? words : null;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

/**
 * How clearly a page is about two tools: 2 when its title names them, 1 when its text does or it has no text without
 * its scripts, 0 otherwise.
 */
type Shows = (names: readonly string[]) => 0 | 1 | 2;

function shownBy($: CheerioAPI): Shows {
  const plain = (text: string) =>
    text
      .replace(/[\u00AD\u200B\u2060]/gu, '')
      .normalize('NFC')
      .replace(/\s+/gu, ' ')
      .toLowerCase();
  const title = plain(`${$('title').first().text()} ${$('h1').first().text()}`);
  let body: string | undefined;
  return (names) => {
    const isIn = (text: string) => names.every((name) => text.includes(plain(name)));
    if (isIn(title)) return 2;
    body ??= plain($('body').clone().find('script,style,template').remove().end().text()).trim();
    return isIn(body) || body.length < 200 ? 1 : 0;
  };
}

function choose(
  candidates: readonly Candidate[],
  defaults: { url: string; publishedAt: string | null },
  shows: Shows,
): Reading | null {
  const readings = candidates.map(({ value, url, publishedAt }) => ({
    ...checkComparison(normalise({ ...value, url, publishedAt }, defaults)),
    shown: shows(namesOf(value)),
  }));
  const plainest = Math.max(0, ...readings.map(({ shown }) => shown));
  const about = plainest === 0 ? [] : readings.filter(({ shown }) => shown === plainest);
  const valid = about.flatMap(({ comparison }) => (comparison ? [comparison] : []));
  const [best] = valid;
  if (best !== undefined) return new Set(valid.map(pairKey)).size === 1 ? { comparison: best } : null;
  const [wrong] = about;
  return wrong === undefined ? null : { faults: wrong.faults };
}

function namesOf({ tools }: Candidate['value']): string[] {
  return tools.flatMap((tool) => (isRecord(tool) && typeof tool.name === 'string' ? [tool.name] : []));
}
