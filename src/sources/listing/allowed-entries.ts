import { allows, type Robots } from '../crawl/robots.ts';
import type { SitemapEntry } from './sitemap.ts';

/** URLs of a sitemap that a source uses. */
export interface AllowedEntries {
  entries: SitemapEntry[];
  /** How many more there would be without robots.txt. */
  refused: number;
}

/** Filters a sitemap's URLs: only those below the site's own URL that robots.txt allows. */
export function filterAllowed(listed: readonly SitemapEntry[], site: string, robots: Robots): AllowedEntries {
  const { host, pathname: folder, href } = new URL(site);
  const result: AllowedEntries = { entries: [], refused: 0 };
  for (const { url, lastmod } of listed) {
    const page = new URL(url);
    page.hash = '';
    const isUnder = page.host === host && page.pathname.startsWith(folder) && page.href !== href;
    if (!/^https?:$/u.test(page.protocol) || !isUnder) continue;
    if (allows(robots, page.href)) result.entries.push({ url: page.href, lastmod });
    else result.refused += 1;
  }
  return result;
}
