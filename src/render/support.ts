import type { CheerioAPI } from 'cheerio';
import { declarationsOf, rulesOf } from './css.ts';
import { shorten } from './markup.ts';

/**
 * Finds features that mail clients do not support. The baseline is the four clients that most readers have: Gmail,
 * Outlook (the classic one, which renders with Word), Apple Mail, which supports all of this, and Yahoo; as
 * caniemail.com listed them in May 2026. Only features without a fallback are findings: rules inside `@media` are
 * extra, and so is a declaration that has a simpler one before it or a version for Outlook in a conditional
 * comment. Lost spacing (padding of a paragraph) is no finding: the text stays readable.
 */

/** One feature that some clients of the baseline lack. */
export interface Gap {
  /** Stable: "support.flex". */
  id: string;
  what: string;
  lacks: readonly Client[];
  help: string;
  /** Where it is used without a fallback, in words. */
  find: (mail: Styled) => string[];
}

type Client = 'Gmail' | 'classic Outlook' | 'Yahoo';

/** A mail and all its declarations outside of `@media`. */
export interface Styled {
  $: CheerioAPI;
  declarations: Declaration[];
  /** Nested style rules. */
  nested: string[];
}

interface Declaration {
  property: string;
  value: string;
  /** All declarations in the same place, in their order. */
  beside: readonly (readonly [property: string, value: string])[];
  /** Its index in that order. */
  at: number;
  /** Lower case; null for a style block, whose elements are not known. */
  tag: string | null;
  attributes: Readonly<Record<string, string>>;
  /** Whether a conditional comment right before it has a version for Outlook. */
  isDrawnForOutlook: boolean;
  /** Its selector in a style block; otherwise a description of the element, made on demand. */
  place: () => string;
}

/** Reads every declaration of a mail, once for all gaps. */
export function styled($: CheerioAPI): Styled {
  const declarations: Declaration[] = [];
  const add = (style: string, about: Omit<Declaration, 'property' | 'value' | 'beside' | 'at'>) => {
    const beside = declarationsOf(style);
    beside.forEach(([property, value], at) => {
      declarations.push({ ...about, property, value, beside, at });
    });
  };
  const hidden = $('[style]').filter((_, one) => isHidden($(one).attr('style') ?? ''));
  const unseen = new Set([...hidden.toArray(), ...hidden.find('[style]').toArray()]);
  for (const one of $('[style]').toArray()) {
    if (unseen.has(one)) continue;
    let before = one.previousSibling;
    while (before?.type === 'text' && before.data.trim() === '') before = before.previousSibling;
    add($(one).attr('style') ?? '', {
      tag: one.tagName.toLowerCase(),
      attributes: one.attribs,
      isDrawnForOutlook: before?.type === 'comment' && /\[if [^\]]*\bmso\b/u.test(before.data),
      place: () => placeOf($(one).text(), one.tagName),
    });
  }
  const rules = rulesOf($('style').text());
  const about = { tag: null, attributes: {}, isDrawnForOutlook: false };
  for (const { selector, body } of rules.filter(({ at }) => at === ''))
    add(body, { ...about, place: () => `in the rule of "${shorten(selector)}"` });
  const nested = rules.flatMap(({ within }) => within ?? []);
  return { $, declarations, nested };
}

const isHidden = (style: string): boolean =>
  declarationsOf(style).some(([property, value]) => property === 'display' && /^none\b/u.test(value));

function placeOf(text: string, tag: string): string {
  const words = text.replace(/\s+/gu, ' ').trim();
  return words === '' ? `on an empty <${tag}>` : `on the <${tag}> of "${shorten(words)}"`;
}

/** Finds declarations without a simpler one before them that a client could fall back to. */
const declared =
  (property: RegExp, value: RegExp, isCaredFor: (one: Declaration) => boolean = () => false) =>
  ({ declarations }: Styled): string[] => {
    const isMeant = ([name, text]: readonly [string, string]) => property.test(name) && value.test(text);
    return declarations
      .filter((one) => isMeant([one.property, one.value]) && !isCaredFor(one))
      .filter(({ beside, at, property: name }) =>
        beside.slice(0, at).every((each) => each[0] !== name || isMeant(each)),
      )
      .map(({ place }) => place());
  };

/** Finds elements that most clients leave out, without fallback content inside. */
const elements =
  (selector: string, hasFallback: (inner: { text: string; images: number }) => boolean) =>
  ({ $ }: Styled): string[] =>
    $('*')
      .filter(selector)
      .toArray()
      .filter((one) => !hasFallback({ text: $(one).text().trim(), images: $(one).find('img').length }))
      .map((one) => placeOf($(one).text(), one.tagName));

const images =
  (source: RegExp) =>
  ({ $ }: Styled): string[] =>
    $('img')
      .toArray()
      .map((one) => $(one).attr('src')?.trim() ?? '')
      .filter((src) => source.test(src))
      .map((src) => `from ${shorten(src)}`);

const WORD: readonly Client[] = ['classic Outlook'];
const ALL: readonly Client[] = ['Gmail', 'classic Outlook', 'Yahoo'];

/** From this padding in pixels on, it shapes a button or a box. */
const SHAPED_FROM = 8;

function isShape({ tag, value, beside }: Declaration): boolean {
  if (tag === null || /^(?:td|th|table|body)$/u.test(tag)) return false;
  const isWide = [...value.matchAll(/([\d.]+)px/gu)].some(([, pixels]) => Number(pixels) >= SHAPED_FROM);
  const isDrawn = beside.some(
    ([name, text]) => /^background(?:-color)?$/u.test(name) && !/^(?:none|transparent)\b/u.test(text),
  );
  return isWide && isDrawn;
}

const isOneOf = ({ beside }: Declaration, name: RegExp): boolean => beside.some(([each]) => name.test(each));

export const GAPS: readonly Gap[] = [
  {
    id: 'support.flex',
    what: 'display: flex or grid',
    lacks: WORD,
    help: 'Put columns into the cells of a table.',
    find: declared(/^display$/u, /^(?:inline-)?(?:flex|grid)\b/u),
  },
  {
    id: 'support.position',
    what: 'position',
    lacks: ['Gmail', 'classic Outlook'],
    help: 'Let it stand in the order of the text, or in a cell of its own.',
    find: declared(/^position$/u, /^(?:absolute|relative|fixed|sticky)\b/u),
  },
  {
    id: 'support.float',
    what: 'float',
    lacks: WORD,
    help: 'Use the cells of a table, or align on an image or table.',
    find: declared(/^float$/u, /^(?:left|right)\b/u, ({ attributes }) => 'align' in attributes),
  },
  {
    id: 'support.width',
    what: 'max-width',
    lacks: WORD,
    help: 'Give the element a width attribute, or set it on a table.',
    find: declared(/^max-width$/u, /^(?!none\b|0(?:px)?$)/u, (one) => {
      const isWithinItsPlace = one.value === '100%' && one.tag !== 'img';
      const hasWidth = one.tag === 'table' || 'width' in one.attributes;
      return isWithinItsPlace || hasWidth || one.isDrawnForOutlook;
    }),
  },
  {
    id: 'support.padding',
    what: 'the padding of a coloured box',
    lacks: WORD,
    help: 'Move colour and padding to a td, or add mso-padding-alt.',
    find: declared(
      /^padding(?:-\w+)?$/u,
      /./u,
      (one) => !isShape(one) || one.isDrawnForOutlook || isOneOf(one, /^mso-padding-alt$/u),
    ),
  },
  {
    id: 'support.corners',
    what: 'border-radius',
    lacks: WORD,
    help: 'Make sure that square corners do, or leave it out.',
    find: declared(/^border(?:-\w+-\w+)?-radius$/u, /[1-9]/u, ({ isDrawnForOutlook }) => isDrawnForOutlook),
  },
  {
    id: 'support.background',
    what: 'a background image',
    lacks: WORD,
    help: 'Set a background-color beside it on which the text can be read.',
    find: declared(
      /^background(?:-image)?$/u,
      /(?:url|gradient)\(/u,
      (one) => 'bgcolor' in one.attributes || one.isDrawnForOutlook || isOneOf(one, /^background-color$/u),
    ),
  },
  {
    id: 'support.opacity',
    what: 'opacity',
    lacks: WORD,
    help: 'Choose a paler colour; to hide something, use display: none.',
    find: declared(/^opacity$/u, /^0?(?:\.\d+)?$|^\d{1,2}%$/u),
  },
  {
    id: 'support.motion',
    what: 'transform or animation',
    lacks: ['Gmail', 'classic Outlook'],
    help: 'Say it without moving or turning anything.',
    find: declared(/^(?:transform|animation(?:-name)?)$/u, /^(?!none\b)/u),
  },
  {
    id: 'support.variable',
    what: 'var()',
    lacks: ALL,
    help: 'Write the value itself, or write it once more before.',
    find: declared(/^(?!--)/u, /\bvar\(/u),
  },
  {
    id: 'support.sum',
    what: 'calc(), min(), max() or clamp()',
    lacks: WORD,
    help: 'Write the sum out in pixels, or write them once more before.',
    find: declared(/./u, /\b(?:calc|min|max|clamp)\(/u),
  },
  {
    id: 'support.colour',
    what: 'a colour of newer CSS',
    lacks: ALL,
    help: 'Write it as #rrggbb, or write it so once more before.',
    find: declared(
      /./u,
      /\b(?:oklch|oklab|lch|lab|hwb|color|color-mix|light-dark)\(|\b(?:rgb|hsl)a?\([^)]*\//u,
    ),
  },
  {
    id: 'support.unit',
    what: 'a unit other than px, pt, em and %',
    lacks: WORD,
    help: 'Write pixels, or write them once more before.',
    find: declared(/./u, /(?<![\w#.-])(?:\d+\.?\d*|\.\d+)(?:rem|vw|vh|vmin|vmax|ch|ex)\b/u),
  },
  {
    id: 'support.nesting',
    what: 'a rule inside of a rule',
    lacks: ALL,
    help: 'Write each rule on its own: one that is not understood costs the whole block.',
    find: ({ nested }) => nested.map((selector) => `in the rule of "${shorten(selector)}"`),
  },
  {
    id: 'support.picture',
    what: 'a picture element',
    lacks: ALL,
    help: 'Put an img inside, which is shown instead.',
    find: elements('picture', ({ images }) => images > 0),
  },
  {
    id: 'support.media',
    what: 'sound or film',
    lacks: ALL,
    help: 'Put a linked image or a sentence inside, which is shown instead.',
    find: elements('video,audio', ({ text, images }) => images > 0 || text !== ''),
  },
  {
    id: 'support.webp',
    what: 'a WebP or AVIF image',
    lacks: WORD,
    help: 'Use PNG or JPEG.',
    find: images(/\.(?:webp|avif)(?:[?#]|$)/iu),
  },
  {
    id: 'support.svg',
    what: 'an SVG image',
    lacks: ['Gmail', 'classic Outlook'],
    help: 'Use PNG.',
    find: images(/\.svgz?(?:[?#]|$)/iu),
  },
  {
    id: 'support.data',
    what: 'an image inside of the mail itself',
    lacks: ['Gmail', 'classic Outlook'],
    help: 'Put it on the web and name its https address.',
    find: images(/^data:/iu),
  },
];

/** "A, B and C do not know display: flex on the <div> of …, and 2 more times.", or nothing. */
export function missingSupport({ what, lacks, find }: Gap, mail: Styled): string[] {
  const [first, ...others] = find(mail);
  if (first === undefined) return [];
  const names = new Intl.ListFormat('en').format(lacks);
  const verb = lacks.length === 1 ? 'does' : 'do';
  const times =
    others.length === 0 ? '' : `, and ${others.length} more ${others.length === 1 ? 'time' : 'times'}`;
  return [`${names} ${verb} not know ${what} ${first}${times}.`];
}
