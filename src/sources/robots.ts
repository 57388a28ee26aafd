import robotsParser from 'robots-parser';
import { addressIn } from './values.ts';

/** The rules of a site's robots.txt, as they stand for us. RFC 9309. */
export interface Robots {
  allows(url: string): boolean;
  /** Milliseconds that the site wants between requests; 0 where it does not say. */
  delayMs: number;
  sitemaps: string[];
}

interface Parsed {
  isAllowed(url: string, agent: string): boolean | undefined;
  getCrawlDelay(agent: string): number | undefined;
  getSitemaps(): string[];
}

// The package is CommonJS with types as if it were not.
const parse = robotsParser as unknown as (url: string, text: string) => Parsed;

/** A site that asks for more would take days to read; it is read this slowly. */
const MAX_DELAY_MS = 5_000;

export function readRobots(url: string, text: string, agent: string): Robots {
  const rules = parse(url, text);
  return {
    // Undefined means another host, to which these rules do not apply.
    allows: (target) => rules.isAllowed(target, agent) !== false,
    delayMs: Math.min(MAX_DELAY_MS, Math.max(0, (rules.getCrawlDelay(agent) ?? 0) * 1_000)),
    sitemaps: rules.getSitemaps().flatMap((each) => addressIn(each, url)?.href ?? []),
  };
}
