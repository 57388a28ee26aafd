import { UNSEEN } from '../comparisons/model.ts';
import type { IssueContent } from '../issues/content.ts';
import { PLACEHOLDERS } from '../issues/content.ts';
import { parseUrl } from '../platform/url.ts';
import type { PersonalLinks } from './placeholders.ts';

/**
 * Item text comes from other people's pages. The engines escape it for HTML; what escaping cannot see
 * is made harmless here, once, before any engine: text and links that look like a personal link, text that looks like
 * our own template syntax, text that reorders or hides its neighbours, links that run code.
 */

/** Control and lone surrogate characters, and signs of characters that were lost. */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffc\ufffd\p{Cs}]/gu;

const { host: PLACEHOLDER_HOST, origin: PLACEHOLDER_ORIGIN } = new URL(PLACEHOLDERS.unsubscribe);

/** One string as a reader may safely see it. */
function sanitizeText(value: string): string {
  return value
    .replace(UNPRINTABLE, '')
    .replace(UNSEEN, '')
    .replaceAll(PLACEHOLDER_HOST, PLACEHOLDER_HOST.replace('.', '[.]'))
    .replace(/\{(?=[{%])/gu, '{ ')
    .replace(/[}%](?=\})/gu, '$& ');
}

/** An absolute http(s) link in its normal form, or the newsletter's own page instead of anything else. */
function sanitizeUrl(value: string, fallback: string): string {
  const url = parseUrl(value);
  if (url === null || !/^https?:$/u.test(url.protocol) || url.username !== '' || url.password !== '')
    return fallback;
  // The one thing that the normal form leaves in a query and a template would take for its own.
  const href = url.href.replace(/[{}]/gu, encodeURIComponent);
  // The same address in another spelling, in which it does not begin as a personal link does.
  return url.origin === PLACEHOLDER_ORIGIN
    ? href.replace(PLACEHOLDER_ORIGIN, `${PLACEHOLDER_ORIGIN}:443`)
    : href;
}

/**
 * The same content with every text harmless and every item link http(s).
 * @param links what the template is to print for the links that differ per reader.
 */
export function sanitize(content: IssueContent, links: PersonalLinks = PLACEHOLDERS): IssueContent {
  const fallback = sanitizeUrl(content.newsletter.url, 'https://example.invalid/');
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return key === 'url' ? sanitizeUrl(value, fallback) : sanitizeText(value);
    if (Array.isArray(value)) return value.map((one) => walk(one, key));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, name)]));
  };
  const safe = walk(content, '') as IssueContent;
  return {
    ...safe,
    newsletter: { ...safe.newsletter, url: fallback },
    links: { online: sanitizeUrl(content.links.online, fallback), ...links },
  };
}
