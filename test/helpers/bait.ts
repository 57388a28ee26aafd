import fc from 'fast-check';
import { PLACEHOLDERS } from '../../src/issues/content.ts';

/**
 * Content that imitates a personal link: the text of our placeholders, unchanged and in every spelling that a later
 * step (a browser's URL parser, an engine, a sanitiser, a mail program) may convert into it.
 */

const escapedAs = (form: (code: number) => string) => (url: string) =>
  [...url].map((character) => form(character.codePointAt(0) ?? 0)).join('');

/** Changes of a placeholder after which only a careful parser recognises it. */
const SPELLINGS: ((url: string) => string)[] = [
  (url) => url,
  (url) => `${url}/`,
  (url) => `${url}/a/b/ship`,
  (url) => url.toUpperCase(),
  (url) => url.replace('placeholder', 'PlaceHolder'),
  (url) => url.replace('https:', 'http:'),
  (url) => url.replace('https:', ''),
  (url) => url.replaceAll('.', '%2E'),
  (url) => url.replace('//', '%2F%2F'),
  encodeURIComponent,
  (url) => encodeURIComponent(encodeURIComponent(url)),
  (url) => url.replaceAll('/', '&#47;').replaceAll('.', '&period;').replace(':', '&colon;'),
  escapedAs((code) => `&#x${code.toString(16)};`),
  escapedAs((code) => `%${code.toString(16).padStart(2, '0')}`),
  escapedAs((code) => `\\u${code.toString(16).padStart(4, '0')}`),
  ...['\u200b', '\u2060', '\ufeff', '\u00ad', '\u202e', '\u0000', '\u001a', '\ufffd', '\ud800'].map(
    (unseen) => (url: string) => url.replace('holder', `${unseen}holder`),
  ),
  ...['\t', '\n', '\r\n', '\u2028', ' '].map((space) => (url: string) => url.replace('.', `${space}.`)),
  ...['\n', '\r\n', '\u2028', '\u0085', `${'x'.repeat(72)} `].map(
    (breaks) => (url: string) => breaks + url + breaks,
  ),
  (url) => url.replaceAll('/', '\\'),
  (url) => url.replace('//', '/\\'),
  (url) => url.replace('//', '//reader:secret@'),
  (url) => url.replace('.invalid/', '.invalid@evil.example/'),
  (url) => url.replace('.invalid', '.invalid:443'),
  (url) => url.replace('.invalid', '.invalid:8443'),
  (url) => url.replace('.invalid', '.invalid.'),
  (url) => url.replace('.invalid', '.invalid.evil.example'),
  (url) => url.replace('placeholder', 'evil.placeholder'),
  // Full width and the ideographic full stop: NFKC, and so every parser of host names, converts them to ASCII.
  (url) => url.replace('placeholder', 'ｐｌａｃｅｈｏｌｄｅｒ').replace('.', '。'),
  (url) => url.replace('placeholder', 'plåceholder'),
  (url) => url.replace('placeholder', 'xn--plceholder-62a'),
  (url) => `href="${url}"`,
  (url) => `href='${url}'`,
  (url) => `"><a href="${url}">x</a>`,
  (url) => `</p></mj-text><mj-raw><a href="${url}">x</a></mj-raw>`,
  (url) => `<!--[if mso]><a href="${url}"><![endif]-->`,
  (url) => `Unsubscribe in one step:\n${url}`,
  (url) => `{{ ${url} }}{% ${url} %}[[ ${url} ]]`,
  // An attacker who knows how a render writes its links, and guesses.
  (url) => url.replace('placeholder', '0123456789abcdef0123456789abcdef'),
];

const TEMPLATE_SYNTAX = [
  '{{ links.preferences }}',
  '{{{links.unsubscribe}}}',
  '{%- render "parts/said" -%}',
  '#{links.vote}',
  '<%= links.vote %>',
  '*|UNSUB|*',
  '$& $1 $`',
];

/** One spelling of one placeholder. */
export const placeholderText: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...SPELLINGS), fc.constantFrom(...Object.values(PLACEHOLDERS)))
  .map(([spell, url]) => spell(url));

/** For a field of a comparison or an editor's text. */
export const hostileText: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { arbitrary: placeholderText, weight: 4 },
        { arbitrary: fc.constantFrom(...TEMPLATE_SYNTAX), weight: 1 },
        { arbitrary: fc.string({ unit: 'binary', maxLength: 12 }), weight: 1 },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    fc.constantFrom('', ' ', '\n', '"', "'", '>', '?', '/'),
  )
  .map(([pieces, between]) => pieces.join(between));

/** For a URL: a placeholder in each of its parts. */
export const hostileUrl: fc.Arbitrary<string> = fc
  .tuple(placeholderText, placeholderText, fc.integer({ min: 0, max: 10 }), fc.boolean())
  .map(([one, two, part, isEncoded]) => {
    const [a, b] = isEncoded ? [encodeURIComponent(one.toWellFormed()), two] : [one, two];
    const shapes = [
      `https://evil.example/?r=${a}`,
      `https://evil.example/?${a}=${b}`,
      `https://evil.example/c?pref=${a}&unsub=${b}#x`,
      `https://evil.example/${a}`,
      `https://evil.example/c/${a}/d?e=${b}`,
      `https://evil.example/#${a}`,
      `https://evil.example/?q=1#${a}${b}`,
      `https://evil.example;${a}/`,
      `https://placeholder.invalid@evil.example/${a}`,
      `  ${one}?x=${b}`,
      one,
    ];
    return shapes[part] ?? one;
  });
