import { domainToASCII } from 'node:url';

/**
 * The value of `List-Id`: the newsletter's name as a phrase, and its identifier (RFC 2919 §3). All of it is ASCII, so that
 * no later program encodes it: an identifier inside an encoded word is none.
 */
export function listId(name: string, domain: string): string {
  return `${phrase(name)} <digest.${domainToASCII(domain) || domain}>`;
}

/** Words as they are, other ASCII in quotes (RFC 5322 §3.2), everything else in encoded words (RFC 2047 §5). */
function phrase(name: string): string {
  if (/^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/u.test(name) && !name.includes('=?'))
    return name;
  if (/^[ -~]*$/u.test(name)) return `"${name.replace(/["\\]/gu, '\\$&')}"`;
  return encodedWords(name).join(' ');
}

/** Bytes in one encoded word, which has at most 75 characters (RFC 2047 §2). */
const WORD_BYTES = 45;

/** Whole characters in each; the space between two words is no part of the text. */
function encodedWords(text: string): string[] {
  const words = [''];
  for (const character of text.toWellFormed()) {
    const longer = (words.at(-1) ?? '') + character;
    if (Buffer.byteLength(longer) <= WORD_BYTES) words[words.length - 1] = longer;
    else words.push(character);
  }
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`);
}
