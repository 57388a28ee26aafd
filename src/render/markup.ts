import type { CheerioAPI } from 'cheerio';
import { parseUrl } from '../platform/url.ts';

/**
 * Finds problems in the HTML of a mail, one finding per line. Pure; {@link ./checks.ts} gives each its level and
 * its help.
 */

const texts = (found: boolean, message: string): string[] => (found ? [message] : []);

/** Shortens a text: long enough to recognise, short enough for a list. */
export const shorten = (text: string): string => {
  const characters = [...text];
  return characters.length > 80 ? `${characters.slice(0, 79).join('')}…` : text;
};

/** Links that are not absolute, or have another scheme than https, http and mailto. */
export function badLinks($: CheerioAPI): string[] {
  const leads = (href: string): boolean =>
    /^mailto:[^\s@]+@[^\s@]+$/u.test(href) || (/^https?:\/\//u.test(href) && parseUrl(href) !== null);
  return $('a,area')
    .toArray()
    .map((one) => $(one).attr('href') ?? '')
    .filter((href) => !leads(href))
    .map((href) => `A link leads to "${shorten(href)}".`);
}

const GENERIC =
  /^(?:(?:click |tap )?here|(?:read|learn|see) more|more|link|details|this(?: page)?|go|view)[.!…→ ]*$/iu;

/** Links whose text alone does not say where they lead. */
export function genericLinks($: CheerioAPI): string[] {
  return $('a')
    .toArray()
    .map((one) => $(one).text().trim() || ($(one).find('img').attr('alt') ?? '').trim())
    .filter((text) => text === '' || GENERIC.test(text))
    .map((text) => (text === '' ? 'A link has no text.' : `A link says only "${text}".`));
}

/** Images without `alt`; inside a link the alt text is the link's name and must not be empty. */
export function missingAlt($: CheerioAPI): string[] {
  return $('img')
    .toArray()
    .filter((img) => {
      const alt = $(img).attr('alt');
      return alt === undefined || ($(img).closest('a').length > 0 && alt.trim() === '');
    })
    .map((img) => `An image has no alt text: ${shorten($(img).attr('src') ?? '')}.`);
}

/** Heading levels that go down by more than one. */
export function skippedHeadings($: CheerioAPI): string[] {
  const levels = $('h1,h2,h3,h4,h5,h6')
    .toArray()
    .map((one) => Number(one.tagName.slice(1)));
  return levels.flatMap((level, index) => {
    const before = levels[index - 1] ?? 0;
    return texts(level > before + 1, `An h${level} follows ${before === 0 ? 'nothing' : `an h${before}`}.`);
  });
}

/**
 * `lang` and `dir` are lost with the html element when a webmail embeds the mail, so the body or its wrapper must
 * repeat them.
 */
export function missingLanguage($: CheerioAPI): string[] {
  const both = (selector: string): boolean =>
    $(selector)
      .toArray()
      .some(
        (one) => Boolean($(one).attr('lang')?.trim()) && /^(?:ltr|rtl|auto)$/u.test($(one).attr('dir') ?? ''),
      );
  return [
    ...texts(!both('html'), 'The html element lacks lang or dir.'),
    ...texts(!both('body,body>div'), 'The body and its wrapper lack lang or dir.'),
  ];
}

/** Tables that are neither marked as layout nor labelled as data. */
export function unlabelledTables($: CheerioAPI): string[] {
  return $('table')
    .toArray()
    .filter((one) => {
      const table = $(one);
      if (/^(?:presentation|none)$/u.test(table.attr('role') ?? '')) return false;
      const heads = table.find('th').toArray();
      const labelled = table.children('caption').length > 0 && heads.length > 0;
      return !labelled || heads.some((head) => !$(head).attr('scope'));
    })
    .map(() => 'A table is neither marked as layout nor labelled as data.');
}

/** Elements and attributes that run, submit or embed something. */
export function activeContent($: CheerioAPI): string[] {
  const tags =
    'script,form,iframe,frame,object,embed,applet,input,button,svg,base,meta[http-equiv="refresh"]';
  const handlers = $('*')
    .toArray()
    .flatMap((one) => ('attribs' in one ? Object.keys(one.attribs) : []))
    .filter((name) => /^on/iu.test(name));
  return [
    ...$(tags)
      .toArray()
      .map((one) => `There is a <${one.tagName}>.`),
    ...handlers.map((name) => `There is an ${name} handler.`),
  ];
}

/** Stylesheets, fonts and backgrounds from elsewhere. */
export function externalStyle($: CheerioAPI): string[] {
  const inline = $('[style]')
    .toArray()
    .map((one) => $(one).attr('style') ?? '');
  const fetches = /@import|@font-face|url\(/iu.test([$('style').text(), ...inline].join('\n'));
  return [
    ...$('link')
      .toArray()
      .map((one) => `There is a <link> to "${shorten($(one).attr('href') ?? '')}".`),
    ...texts(fetches, 'A style fetches something (@import, @font-face or url()).'),
  ];
}

/** Control characters, the replacement character and half a surrogate pair: they make Gmail clip even a small mail. */
export function brokenCharacters(source: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  const bad = source.match(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffd\p{Cs}]/u);
  if (!bad) return [];
  return [`It holds the character U+${bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}.`];
}

/** Returns the visible text of the HTML as one string. */
export function visibleText($: CheerioAPI): string {
  const body = $('body').clone();
  body.find('style,script').remove();
  return body.text();
}
