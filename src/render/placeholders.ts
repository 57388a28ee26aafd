import { randomBytes } from 'node:crypto';
import { PLACEHOLDERS, type PlaceholderCounts, type PlaceholderName } from '../issues/content.ts';
import { compile } from './personalise.ts';

/**
 * Which links of a body are the template's own, and so get a reader's token, is never read from what content could
 * say. A template is given addresses that nobody could know when the content was written; where they are found
 * again, the template printed them (docs/adr/0014).
 */

export type PersonalLinks = Record<PlaceholderName, string>;

const names = Object.keys(PLACEHOLDERS) as PlaceholderName[];

/** The personal links of one render, and what nobody can guess in them. */
export interface DrawnLinks {
  nonce: string;
  links: PersonalLinks;
}

/** What one render prints for the links that differ per reader. */
export function drawLinks(): DrawnLinks {
  const nonce = randomBytes(16).toString('hex');
  const link = (name: PlaceholderName): string => `https://${nonce}.invalid/${name}`;
  return {
    nonce,
    links: { unsubscribe: link('unsubscribe'), preferences: link('preferences'), vote: link('vote') },
  };
}

/**
 * Puts {@link PLACEHOLDERS} in place of the links that this render drew. Nothing of the nonce stays, so that the same
 * content gives the same bytes.
 *
 * @param declared how many links of each kind the template says it prints.
 * @throws Error where the body has another number of them, or where another place of it would be taken for one.
 */
export function placePlaceholders(
  body: string,
  part: 'html' | 'text',
  { nonce, links }: DrawnLinks,
  declared: PlaceholderCounts,
): string {
  const nameOf = new Map(names.map((name) => [links[name], name]));
  const literals: string[] = [];
  const slots: PlaceholderName[] = [];
  for (const piece of body.split(new RegExp(`(${names.map((name) => links[name]).join('|')})`, 'u'))) {
    const name = nameOf.get(piece);
    if (name === undefined) literals.push(piece);
    else slots.push(name);
  }
  if (literals.some((literal) => literal.includes(nonce)))
    throw new Error(`the ${part} has a personal link in pieces`);
  const [wrong] = differences(countLinks(slots), declared);
  if (wrong !== undefined) throw new Error(`the ${part} ${wrong}`);

  const placed = literals.reduce((whole, literal, index) => {
    const name = slots[index - 1];
    return whole + (name === undefined ? '' : PLACEHOLDERS[name]) + literal;
  }, '');
  // What is stored is cut at its placeholders without the nonce: that has to find these very places.
  const { literals: between, slots: found } = compile({ html: '', text: '', [part]: placed })[part];
  if (JSON.stringify([between, found]) !== JSON.stringify([literals, slots]))
    throw new Error(
      `the ${part} has a personal link where no link begins, or another place that reads like one`,
    );
  return placed;
}

export function countLinks(slots: readonly PlaceholderName[]): PlaceholderCounts {
  const counts = { unsubscribe: 0, preferences: 0, vote: 0 };
  for (const name of slots) counts[name] += 1;
  return counts;
}

/** For each kind of link of which there are more or fewer than declared, what is wrong; the subject is left out. */
export function differences(found: PlaceholderCounts, declared: PlaceholderCounts): string[] {
  return names
    .filter((name) => found[name] !== declared[name])
    .map((name) => {
      const count = `${found[name]} personal ${found[name] === 1 ? 'link' : 'links'}`;
      return `has ${count} of the kind "${name}", and its template declares ${declared[name]}`;
    });
}
