import { readRobots } from '../crawl/robots.ts';
import { filterAllowed } from '../listing/allowed-entries.ts';
import { readFeedPage } from '../listing/feed.ts';
import { readSitemap } from '../listing/sitemap.ts';
import { readFile } from '../parse/file.ts';
import { readPageBody } from '../parse/page.ts';
import { readSent } from '../parse/pushed.ts';

/**
 * All parsers of external input. They run only in the thread of `thread.ts`, so their input and output are plain data.
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

/** A message to the thread. */
export interface Question {
  kind: Kind;
  input: unknown[];
}

/** The thread's answer: the value, or why the input cannot be read. */
export type Reading = { value: unknown } | { unreadable: string };
