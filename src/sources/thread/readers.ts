import { readRobots } from '../crawl/robots.ts';
import { filterAllowed } from '../listing/allowed-entries.ts';
import { readFeedPage } from '../listing/feed.ts';
import { readSitemap } from '../listing/sitemap.ts';
import { readFile } from '../parse/file.ts';
import { readPageBody } from '../parse/page.ts';
import { readSent } from '../parse/pushed.ts';

/**
 * All that takes apart what comes from outside. It runs in the thread of `thread.ts` and nowhere else, so what goes in and
 * comes out is plain data.
 */
export const READERS = {
  page: readPageBody,
  sent: readSent,
  feed: readFeedPage,
  sitemap: readSitemap,
  robots: readRobots,
  listed: filterAllowed,
  file: readFile,
};

export type Readers = typeof READERS;
export type Kind = keyof Readers;

/** What the thread is asked. */
export interface Question {
  kind: Kind;
  input: unknown[];
}

/** What it answers; errors do not keep their class on the way, so their parts go. */
export type Answer =
  | { outcome: 'read'; value: unknown }
  | { outcome: 'unreadable'; reason: string }
  | {
      outcome: 'refused';
      code: string;
      message: string;
      help: string | undefined;
      context: Record<string, unknown>;
    }
  | { outcome: 'broken'; message: string; stack: string | undefined };
