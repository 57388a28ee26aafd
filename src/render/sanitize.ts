import { UNSEEN } from '../comparisons/model.ts';
import type { IssueContent } from '../issues/content.ts';
import { PLACEHOLDERS } from '../issues/content.ts';
import { parseUrl } from '../platform/url.ts';
import type { PersonalLinks } from './placeholders.ts';

/**
 * Item text comes from other people's pages. The engines escape it for HTML; this file handles, before any engine,
 * what escaping does not: text and links that look like a personal link, text that looks like our own template
 * syntax, text that reorders or hides its neighbours, links that run code.
 */

/** Control and lone surrogate characters, and replacement characters. */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffc\ufffd\p{Cs}]/gu;

const { host: PLACEHOLDER_HOST, origin: PLACEHOLDER_ORIGIN } = new URL(PLACEHOLDERS.unsubscribe);

/** Makes one string safe to show. */
function sanitizeText(value: string): string {
  return value
    .replace(UNPRINTABLE, '')
    .replace(UNSEEN, '')
    .replaceAll(PLACEHOLDER_HOST, PLACEHOLDER_HOST.replace('.', '[.]'))
    .replace(/\{(?=[{%])/gu, '{ ')
    .replace(/[}%](?=\})/gu, '$& ');
}

/** Returns an absolute http(s) link in its normal form, or else the newsletter's own page. */
function sanitizeUrl(value: string, fallback: string): string {
  const url = parseUrl(value);
  if (url === null || !/^https?:$/u.test(url.protocol) || url.username !== '' || url.password !== '')
    return fallback;
  // Braces: the normal form leaves them in a query, and a template would take them for its own syntax.
  const href = url.href.replace(/[{}]/gu, encodeURIComponent);
  // The same URL in another spelling, which does not begin like a personal link.
  return url.origin === PLACEHOLDER_ORIGIN
    ? href.replace(PLACEHOLDER_ORIGIN, `${PLACEHOLDER_ORIGIN}:443`)
    : href;
}

/**
 * Returns the content with every text sanitized and every item link http(s).
 * @param links the URLs that the template must print for the links that differ per reader.
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
