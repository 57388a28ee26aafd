import { parseDocument } from 'yaml';
import { Unreadable } from '../crawl/decode.ts';

/** A `## Tool` section of the body: its description, and its reviews by `### Lens: call`. */
interface Section {
  name: string;
  description: string[];
  reviews: { lens: string; call: string | null; quote: string[] }[];
}

/**
 * A comparison written by hand: facts in YAML front matter, texts below it.
 *
 * ```md
 * ---
 * url: https://site.example/compare/ferret-vs-otter
 * tools:
 *   - { name: Ferret, category: Search, tagline: Finds it, panelShip: 75%, communityShip: —, entryPrice: Free }
 *   - { name: Otter, ... }
 * ---
 * ## Ferret
 * What it is, in one or more paragraphs.
 *
 * ### Builder: ship
 * > What the builder says.
 * ```
 *
 * The result must still pass the schema: this function only arranges the parts.
 *
 * @throws Unreadable with the reason, when front matter or sections are not as above.
 */
export function readMarkdown(text: string): unknown {
  const parts = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)([\s\S]*)$/u.exec(text);
  if (!parts) throw new Unreadable('no YAML front matter between two lines of "---" at the top');
  const facts = readFacts(parts[1] ?? '');
  const sections = readSections(parts[2] ?? '');

  const tools: unknown = facts.tools;
  if (!Array.isArray(tools)) throw new Unreadable('tools: the front matter lists no tools');
  const used = new Set<Section>();
  const merged = tools.map((tool: unknown, index) => {
    if (typeof tool !== 'object' || tool === null)
      throw new Unreadable(`tools.${index}: not a list of fields`);
    const fields: Record<string, unknown> = { ...tool };
    const name = typeof fields.name === 'string' ? sameCase(fields.name) : '';
    const section = sections.find((candidate) => sameCase(candidate.name) === name);
    if (!section) return { reviews: [], ...fields, ...figures(fields) };
    used.add(section);
    return {
      ...fields,
      ...figures(fields),
      description: section.description.join(' ').trim() || fields.description,
      reviews: section.reviews.map(({ lens, call, quote }) => ({
        lens,
        call,
        quote: quote.join(' ').trim(),
      })),
    };
  });
  const stray = sections.find((section) => !used.has(section));
  if (stray) throw new Unreadable(`"## ${stray.name}" is not the name of one of the tools`);
  return { ...facts, tools: merged };
}

/** A YAML parser needs a hundred times the memory of its text; a comparison has 30,000 characters. */
const MAX_FACTS = 100_000;

function readFacts(source: string): Record<string, unknown> {
  if (source.length > MAX_FACTS)
    throw new Unreadable(`front matter is longer than ${MAX_FACTS.toLocaleString('en')} characters`);
  const document = parseDocument(source, { prettyErrors: true });
  const [error] = document.errors;
  // The first line of the message has the reason and the place, the rest shows the source line.
  if (error)
    throw new Unreadable(`front matter is not YAML: ${error.message.split('\n')[0]?.replace(/:$/u, '')}`);
  // Only a few aliases: a hundred nested ones would expand to gigabytes.
  const facts: unknown = document.toJS({ maxAliasCount: 20 });
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) {
    throw new Unreadable('front matter is not a list of fields');
  }
  return { ...facts };
}

/** People write "75%" and "—"; the schema needs 75 and null. */
function figures(tool: Record<string, unknown>): Record<string, unknown> {
  const number = (value: unknown) =>
    typeof value === 'string' && /^\d+ ?%$/u.test(value.trim()) ? Number.parseInt(value, 10) : value;
  const community = tool.communityShip;
  const isNone =
    community === undefined || (typeof community === 'string' && /^[—–-]?$/u.test(community.trim()));
  return { panelShip: number(tool.panelShip), communityShip: isNone ? null : number(community) };
}

function readSections(body: string): Section[] {
  const sections: Section[] = [];
  for (const [index, raw] of body.split(/\r?\n/u).entries()) {
    const line = raw.trim();
    const section = sections.at(-1);
    const review = section?.reviews.at(-1);
    const [, level, heading] = /^(#{1,6})\s+(.*?)\s*#*$/u.exec(line) ?? [];
    if (level === '##' && heading) {
      sections.push({ name: heading, description: [], reviews: [] });
    } else if (level === '###' && heading && section) {
      const [, lens, call] = /^(?:the\s+)?(.+?)\s*(?:[:—–-]\s*(ship|skip))?$/iu.exec(heading) ?? [];
      section.reviews.push({ lens: lens ?? heading, call: call?.toLowerCase() ?? null, quote: [] });
    } else if (level) {
      throw new Unreadable(
        `line ${index + 1} below the front matter: a heading is "## Tool" or "### Lens: ship"`,
      );
    } else if (line !== '' && !section) {
      throw new Unreadable('text above the first "## Tool" heading belongs to no tool');
    } else if (review && line.startsWith('>')) {
      review.quote.push(line.replace(/^>\s?/u, ''));
    } else if (review && line !== '') {
      throw new Unreadable(`text below "### ${review.lens}" is no block quote: begin its lines with ">"`);
    } else if (line !== '') {
      section?.description.push(line);
    }
  }
  return sections;
}

function sameCase(name: string): string {
  return name.normalize('NFKC').replace(/\s+/gu, ' ').trim().toLowerCase();
}
