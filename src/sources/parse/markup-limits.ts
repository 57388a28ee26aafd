import { type CheerioAPI, load } from 'cheerio';
import { adapter } from 'parse5-htmlparser2-tree-adapter';

/**
 * Limits of markup, checked before parsing. Real pages have some thousand elements, thirty levels deep; HTML parsers
 * need time quadratic in either, so larger input is refused first.
 */

const MAX_DEPTH = 200;
const MAX_ATTRIBUTES = 500;
const MAX_ELEMENTS = { html: 20_000, xml: 400_000 };

/** Values of JSON. Each needs about ten times the memory of its text, and a thread without memory ends the process. */
const MAX_VALUES = 1_000_000;

/** Markup over a limit; the message is the reason. */
export class TooIntricate extends Error {}

/** Elements whose content is plain text up to their end tag. */
const RAW = /(script|style|title|textarea|noscript|iframe|xmp|noembed|noframes)(?=[\s/>])/iy;

/**
 * Counts tags, their attributes and (in XML, where every element is closed) their depth, in one pass.
 *
 * @throws TooIntricate when one of them is over its limit.
 */
export function checkMarkup(text: string, kind: 'html' | 'xml'): void {
  let elements = 0;
  let depth = 0;
  const after = (end: string, from: number) => {
    const found = text.indexOf(end, from);
    return found === -1 ? text.length : found + end.length;
  };
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    if (text.startsWith('<!--', at)) at = after('-->', at + 4);
    else if (kind === 'xml' && text.startsWith('<![CDATA[', at)) at = after(']]>', at + 9);
    else if (text.charAt(at + 1) === '/') {
      depth -= 1;
      at += 2;
    } else if (!/[\p{L}_:]/u.test(text.charAt(at + 1))) at += 1;
    else {
      const name = at + 1;
      const { end, attributes } = tagAt(text, name);
      elements += 1 + (kind === 'xml' ? attributes : 0);
      if (text.charAt(end - 1) !== '/') depth += 1;
      if (elements > MAX_ELEMENTS[kind]) throw tooMany(kind);
      if (attributes > MAX_ATTRIBUTES)
        throw new TooIntricate(`has a tag with more than ${MAX_ATTRIBUTES} attributes`);
      if (kind === 'xml' && depth > MAX_DEPTH) throw tooDeep();
      at = end;
      RAW.lastIndex = name;
      const raw = kind === 'html' ? RAW.exec(text)?.[1] : undefined;
      if (raw !== undefined) {
        const close = new RegExp(`</${raw}`, 'giu');
        close.lastIndex = end;
        at = close.exec(text)?.index ?? text.length;
      }
    }
  }
}

/**
 * Counts the values of JSON before it is parsed, ignoring the content of strings.
 *
 * @throws TooIntricate when there are too many.
 */
export function checkJson(text: string): void {
  let values = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') isString = !isString;
    else if (isString && character === '\\') at += 1;
    else if (!isString && (character === ',' || character === '[' || character === '{')) values += 1;
    if (values > MAX_VALUES)
      throw new TooIntricate(`has more than ${MAX_VALUES.toLocaleString('en')} values`);
  }
}

/** The end of the tag whose name begins at `from`, and its number of attributes. */
function tagAt(text: string, from: number): { end: number; attributes: number } {
  let attributes = 0;
  let quote = '';
  /** The last character that is no white space. */
  let solid = '';
  let isApart = false;
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') {
      if (character !== quote) continue;
      quote = '';
      isApart = true;
    } else if (character === '>') return { end: at, attributes };
    else if (character === '/' || character.trim() === '') isApart = true;
    else {
      if (solid === '=' && (character === '"' || character === "'")) quote = character;
      else if (isApart && solid !== '=' && character !== '=') attributes += 1;
      isApart = false;
    }
    if (character.trim() !== '') solid = character;
  }
  return { end: text.length, attributes };
}

/**
 * Parses a page, and stops when the resulting tree is over a limit: unclosed formatting elements are repeated in every
 * paragraph, so that a few tags can become many elements.
 *
 * @throws TooIntricate with the reason.
 */
export function loadPage(html: string): CheerioAPI {
  checkMarkup(html, 'html');
  let nodes = 0;
  const count = () => {
    nodes += 1;
    // The count includes comments.
    if (nodes > 2 * MAX_ELEMENTS.html) throw tooMany('html');
  };
  const measure = (parent: { parent: unknown }) => {
    let depth = 0;
    for (let node: unknown = parent; node; node = (node as { parent: unknown }).parent) depth += 1;
    if (depth > MAX_DEPTH) throw tooDeep();
  };
  const treeAdapter: typeof adapter = {
    ...adapter,
    createElement: (...element) => {
      count();
      return adapter.createElement(...element);
    },
    createCommentNode: (...comment) => {
      count();
      return adapter.createCommentNode(...comment);
    },
    appendChild: (parent, node) => {
      measure(parent);
      adapter.appendChild(parent, node);
    },
    insertBefore: (parent, node, reference) => {
      measure(parent);
      adapter.insertBefore(parent, node, reference);
    },
  };
  const $ = load(html, { treeAdapter });
  // Later nodes are our own, and need no limit.
  nodes = Number.NEGATIVE_INFINITY;
  return $;
}

function tooMany(kind: 'html' | 'xml'): TooIntricate {
  return new TooIntricate(`has more than ${MAX_ELEMENTS[kind].toLocaleString('en')} elements`);
}

function tooDeep(): TooIntricate {
  return new TooIntricate(`is nested more than ${MAX_DEPTH} deep`);
}
