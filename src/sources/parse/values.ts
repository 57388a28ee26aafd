import { MAX_ADDRESS } from '../../comparisons/model.ts';
import { slugFor } from '../../comparisons/names.ts';
import { parseUrl } from '../../platform/url.ts';

/**
 * Converts machine-written values to the model's shapes: "75%" is 75, a dash is no vote, `panel_ship` is `panelShip`.
 * Invalid values stay unchanged, so that the schema reports them.
 */

/** A URL as a page writes it; null when it is invalid or too long to be stored. */
export function addressIn(text: string, base: string): URL | null {
  const url = parseUrl(text, base);
  return url === null || url.href.length > MAX_ADDRESS ? null : url;
}

/** A time as ISO 8601 with offset; null when it is unreadable. */
export function parseInstant(value: unknown): string | null {
  if (typeof value !== 'string' || value.trim() === '') return null;
  const text = value.trim();
  if (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/u.test(text) &&
    !Number.isNaN(Date.parse(text))
  )
    return text;
  const at = new Date(/T\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/u.test(text) ? `${text}Z` : text);
  return Number.isNaN(at.getTime()) || at.getFullYear() > 9999 ? null : at.toISOString();
}

/** "62 %" -> 62; other values are returned unchanged. */
export function parsePercentage(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return /^\d{1,3}\s*%?$/u.test(value.trim()) ? Number.parseInt(value, 10) : value;
}

/** null when a figure is missing, a dash or "no votes yet". */
export function parseVotes(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && /^(?:[—–-]?|no votes(?: yet)?|n\/a|none(?: yet)?)$/iu.test(value.trim()))
    return null;
  return parsePercentage(value);
}

/** Keys in the model's spelling, at every depth. */
export function camelKeys(value: unknown, depth = 0): unknown {
  if (depth > 12) return value;
  if (Array.isArray(value)) return value.map((each) => camelKeys(each, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replace(/[_-]([a-z])/giu, (_, letter: string) => letter.toUpperCase()),
      camelKeys(each, depth + 1),
    ]),
  );
}

/** Converts a comparison in foreign JSON; `defaults` replace missing fields. */
export function normalise(value: unknown, defaults: { url: string; publishedAt: string | null }): unknown {
  const given = camelKeys(value);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const fields = given as Record<string, unknown>;
  const tools = Array.isArray(fields.tools) ? fields.tools.map(toolOf) : fields.tools;
  const names = Array.isArray(tools) ? tools.map((tool) => (isRecord(tool) ? tool.name : undefined)) : [];
  const [a, b] = names;
  return {
    // Without two names there is no slug, and the names are reported as missing.
    slug: fields.slug ?? (typeof a === 'string' && typeof b === 'string' ? slugFor(a, b) : 'unnamed'),
    url: (typeof fields.url === 'string' && parseUrl(fields.url, defaults.url)?.href) || defaults.url,
    publishedAt: parseInstant(fields.publishedAt) ?? defaults.publishedAt,
    tools,
  };
}

function toolOf(tool: unknown): unknown {
  if (!isRecord(tool)) return tool;
  const reviews = Array.isArray(tool.reviews) ? tool.reviews.map(reviewOf) : (tool.reviews ?? []);
  return {
    ...tool,
    panelShip: parsePercentage(tool.panelShip),
    communityShip: parseVotes(tool.communityShip),
    reviews,
  };
}

function reviewOf(review: unknown): unknown {
  if (!isRecord(review)) return review;
  const call = typeof review.call === 'string' ? review.call.trim().toLowerCase() : review.call;
  return { ...review, call: call === '' ? null : call };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
