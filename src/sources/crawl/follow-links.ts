import { parseUrl } from '../../platform/url.ts';
import { read } from '../thread/thread.ts';
import { FetchFault, NotAsked, Postponed, readBytes } from './body.ts';
import { Fetcher, type FetcherOptions } from './fetcher.ts';
import { isReservedName } from './public-address.ts';
import { allows, type Robots } from './robots.ts';

/** The result of following one link. No reason: the link works. */
export interface LinkCheck {
  url: string;
  /** HTTP status of the last answer; null when there was no request or no answer. */
  status: number | null;
  reason: string | null;
  /**
   * A reader who follows it finds nothing. False for a page that only refuses programs, or that our rules or those of its
   * site keep from us.
   */
  isBroken: boolean;
}

/** Answers to programs: a browser may well get the page. */
const REFUSED = new Set([401, 403, 405, 406, 407, 425, 429, 451]);

/** More than any sensible robots.txt; a longer one is ignored. */
const ROBOTS_BYTES = 512 * 1024;

/**
 * Follows links by the rules of gathering: with our name, one request at a time per host, as its robots.txt allows, and
 * never to a private address. Only the headers of an answer are read. Links whose turn has not come when the time ends,
 * and names that lead nowhere by definition, are not in the result.
 * @param agent our name in robots.txt.
 */
export async function followEach(
  urls: readonly string[],
  options: Omit<FetcherOptions, 'signal' | 'limits'>,
  { agent, budgetMs }: { agent: string; budgetMs: number },
): Promise<LinkCheck[]> {
  const signal = AbortSignal.timeout(budgetMs);
  await using fetcher = new Fetcher({
    ...options,
    signal,
    limits: { perHost: 1, headersMs: 10_000, retries: 0 },
  });
  const robots = new Map<string, Promise<Robots | null>>();
  const robotsOf = (url: string): Promise<Robots | null> => {
    const { origin } = new URL(url);
    const known = robots.get(origin) ?? readRobotsOf(fetcher, origin, agent);
    robots.set(origin, known);
    return known;
  };
  const known = [...new Set(urls)].filter((url) => isFollowable(url, options));
  const checks = await Promise.all(known.map((url) => follow(fetcher, url, robotsOf)));
  return checks.filter((check) => check !== null);
}

/** Whether it makes sense to follow a link at all. */
export function isFollowable(url: string, { resolve }: Pick<FetcherOptions, 'resolve'> = {}): boolean {
  const target = parseUrl(url);
  return target !== null && (resolve !== undefined || !isReservedName(target.hostname));
}

async function follow(
  fetcher: Fetcher,
  url: string,
  robotsOf: (url: string) => Promise<Robots | null>,
): Promise<LinkCheck | null> {
  try {
    const rules = await robotsOf(url);
    // The body is not read: the part that arrived is discarded with the connection.
    await fetcher.fetch(url, {
      accept: '*/*',
      maxBytes: Number.MAX_SAFE_INTEGER,
      refuses: (target) => refusal(rules, target),
      read: async () => {},
    });
    return { url, status: 200, reason: null, isBroken: false };
  } catch (error) {
    if (error instanceof Postponed) return null;
    if (error instanceof FetchFault) {
      const { status, message: reason } = error;
      const isBroken = !(error instanceof NotAsked) && !(status !== null && REFUSED.has(status));
      return { url, status, reason, isBroken };
    }
    throw error;
  }
}

/** Why the rules of its site forbid a URL; null when they allow it. */
export const refusal = (rules: Robots | null, url: string): string | null =>
  rules !== null && !allows(rules, url) ? 'is kept from us by robots.txt' : null;

/** @returns null when the site has no rules, or unreadable ones: its pages may then be requested. */
export async function readRobotsOf(fetcher: Fetcher, origin: string, agent: string): Promise<Robots | null> {
  const url = `${origin}/robots.txt`;
  try {
    const fetched = await fetcher.fetch(url, {
      accept: 'text/plain',
      maxBytes: ROBOTS_BYTES,
      read: async (body) => await read('robots', url, (await readBytes(body)).toString('utf8'), agent),
    });
    if (fetched.kind === 'unchanged') return null;
    const rules = fetched.body;
    if (rules.delayMs > 0) fetcher.hosts.space(new URL(origin).host, rules.delayMs);
    return rules;
  } catch (error) {
    if (error instanceof FetchFault) return null;
    throw error;
  }
}
