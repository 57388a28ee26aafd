import { generateAtomFeed } from 'feedsmith';
import type { GlanceRow } from '../issues/content.ts';
import type { Site } from '../platform/site.ts';
import type { PublishedIssue } from './archive-store.ts';

/** The archive for feed readers: Atom (RFC 4287) and JSON Feed 1.1, the same entries in both. Newest first. */

type Entry = PublishedIssue & { verdicts: GlanceRow[] };

export function atomFeed({ publicUrl, newsletterName }: Site, issues: Entry[]): string {
  return generateAtomFeed({
    id: `${publicUrl}/issues`,
    title: { value: newsletterName },
    xml: { lang: 'en' },
    links: [
      { rel: 'self', type: 'application/atom+xml', href: `${publicUrl}/issues.atom` },
      { rel: 'alternate', type: 'text/html', href: `${publicUrl}/issues` },
    ],
    updated: issues[0]?.publishedAt ?? new Date(0),
    authors: [{ name: newsletterName }],
    entries: issues.map(({ slug, subject, preheader, verdicts, publishedAt }) => {
      const url = `${publicUrl}/issues/${slug}`;
      return {
        id: url,
        title: { value: printable(subject) },
        links: [{ rel: 'alternate', type: 'text/html', href: url }],
        published: publishedAt,
        updated: publishedAt,
        summary: { value: printable(preheader) },
        content: { type: 'html', value: summary(url, verdicts) },
      };
    }),
  });
}

export function jsonFeed({ publicUrl, newsletterName }: Site, issues: Entry[]): string {
  return JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: newsletterName,
    home_page_url: `${publicUrl}/issues`,
    feed_url: `${publicUrl}/issues.json`,
    language: 'en',
    authors: [{ name: newsletterName, url: `${publicUrl}/` }],
    items: issues.map(({ slug, subject, preheader, verdicts, publishedAt }) => {
      const url = `${publicUrl}/issues/${slug}`;
      return {
        id: url,
        url,
        title: subject,
        summary: preheader,
        content_html: summary(url, verdicts),
        date_published: publishedAt.toISOString(),
      };
    }),
  });
}

/** The ten-second table of an issue: feed readers show a whole issue badly, and the archive has it. */
function summary(url: string, verdicts: GlanceRow[]): string {
  const rows = verdicts.map(
    ({ verdict, title, entryPrice }) =>
      `<li><strong>${escaped(verdict.words)}</strong>: ${escaped(title)} (${escaped(entryPrice)})</li>`,
  );
  return `<ul>${rows.join('')}</ul><p><a href="${escaped(url)}">Read the whole issue</a></p>`;
}

function escaped(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}

/** Removes the characters that XML 1.0 forbids. */
function printable(text: string): string {
  return text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');
}
