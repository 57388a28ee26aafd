import { read } from '../thread/thread.ts';
import { FetchFault, Postponed, readBytes } from './body.ts';
import { Fetcher, type FetcherOptions } from './fetcher.ts';
import { allows, type Robots } from './robots.ts';

/** What came of following one link. No reason: it leads where it should. */
export interface LinkCheck {
  url: string;
  /** HTTP status of the last answer; null where there was none, or none was asked for. */
  status: number | null;
  reason: string | null;
}

/** More than any honest robots.txt; a longer one is treated as none. */
const ROBOTS_BYTES = 512 * 1024;

/**
 * Follows links as gathering does: under our name, one request at a time at a host, as its robots.txt allows,
 * and never to a private address. Only the head of an answer is looked at. Whose turn has not come when the
 * time is over is left out of the answer.
 * @param agent the name that robots.txt knows us by.
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
  const checks = await Promise.all([...new Set(urls)].map((url) => follow(fetcher, url, robotsOf)));
  return checks.filter((check) => check !== null);
}

async function follow(
  fetcher: Fetcher,
  url: string,
  robotsOf: (url: string) => Promise<Robots | null>,
): Promise<LinkCheck | null> {
  try {
    const rules = await robotsOf(url);
    // The body is not read: what arrived of it is thrown away with the connection.
    await fetcher.fetch(url, {
      accept: '*/*',
      maxBytes: Number.MAX_SAFE_INTEGER,
      refuses: (target) => refusal(rules, target),
      read: async () => {},
    });
    return { url, status: 200, reason: null };
  } catch (error) {
    if (error instanceof Postponed) return null;
    if (error instanceof FetchFault) return { url, status: error.status, reason: error.message };
    throw error;
  }
}

/** Why an address must not be asked for, by the rules of its site; null where it may be. */
export const refusal = (rules: Robots | null, url: string): string | null =>
  rules !== null && !allows(rules, url) ? 'is kept from us by robots.txt' : null;

/** @returns null where the site has no rules, or none that can be read: its pages then speak for themselves. */
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
