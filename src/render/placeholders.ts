import { randomBytes } from 'node:crypto';
import { PLACEHOLDERS, type PlaceholderCounts, type PlaceholderName } from '../issues/content.ts';
import { compile } from './personalise.ts';

/**
 * Content could imitate any fixed placeholder, so a fixed string cannot tell which links are the template's own and
 * get a reader's token. A template is given URLs that nobody could know when the content was written; a URL of
 * these in the output was printed by the template (docs/adr/0014).
 */

export type PersonalLinks = Record<PlaceholderName, string>;

const names = Object.keys(PLACEHOLDERS) as PlaceholderName[];

/** The personal links of one render, and their secret part. */
export interface SecretLinks {
  nonce: string;
  links: PersonalLinks;
}

/** Creates the URLs that one render prints for the links that differ per reader. */
export function createSecretLinks(): SecretLinks {
  const nonce = randomBytes(16).toString('hex');
  const link = (name: PlaceholderName): string => `https://${nonce}.invalid/${name}`;
  return {
    nonce,
    links: { unsubscribe: link('unsubscribe'), preferences: link('preferences'), vote: link('vote') },
  };
}

/**
 * Replaces the links of this render by {@link PLACEHOLDERS}. The nonce is removed completely, so that the same
 * content gives the same bytes.
 *
 * @param declared how many links of each kind the template says it prints.
 * @throws Error if the output has another number of them, or if another part of it would be taken for one.
 */
export function placePlaceholders(
  body: string,
  part: 'html' | 'text',
  { nonce, links }: SecretLinks,
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
  // The stored text is split at its placeholders without the nonce: that must find exactly these positions.
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

/** The longest token of a reader (src/subscribers/tokens.ts), whose version has nine digits. */
export const LONGEST_TOKEN = 64;

/**
 * UTF-8 bytes of a rendered part when its placeholders are a reader's links: a mail client clips what it gets.
 * @param url of the newsletter, where the links lead.
 */
export function deliveredBytes(body: string, links: PlaceholderCounts, url: string): number {
  const start = Buffer.byteLength(url);
  return names.reduce(
    (sum, name) =>
      sum + links[name] * (start + `/${name}/`.length + LONGEST_TOKEN - PLACEHOLDERS[name].length),
    Buffer.byteLength(body),
  );
}

/** For each kind of link whose number differs from the declared one, says what is wrong, without a subject. */
export function differences(found: PlaceholderCounts, declared: PlaceholderCounts): string[] {
  return names
    .filter((name) => found[name] !== declared[name])
    .map((name) => {
      const count = `${found[name]} personal ${found[name] === 1 ? 'link' : 'links'}`;
      return `has ${count} of the kind "${name}", and its template declares ${declared[name]}`;
    });
}
