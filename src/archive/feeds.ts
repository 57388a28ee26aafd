import type { GlanceRow } from '../issues/content.ts';
import type { Site } from '../platform/site.ts';
import type { PublishedIssue } from './archive-store.ts';

/** The archive for feed readers: Atom (RFC 4287) and JSON Feed 1.1, the same entries in both. Newest first. */

type Entry = PublishedIssue & { verdicts: GlanceRow[] };

export function atomFeed(site: Site, issues: Entry[]): string {
  const { publicUrl, newsletterName } = site;
  const updated = (issues[0]?.publishedAt ?? new Date(0)).toISOString();
  const entries = issues.map(({ slug, subject, preheader, verdicts, publishedAt }) => {
    const url = `${publicUrl}/issues/${slug}`;
    const at = publishedAt.toISOString();
    return `  <entry>
    <id>${markup(url)}</id>
    <title>${markup(subject)}</title>
    <link rel="alternate" type="text/html" href="${markup(url)}"/>
    <published>${at}</published>
    <updated>${at}</updated>
    <summary>${markup(preheader)}</summary>
    <content type="html">${markup(summary(url, verdicts))}</content>
  </entry>
`;
  });
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
  <id>${markup(publicUrl)}/issues</id>
  <title>${markup(newsletterName)}</title>
  <link rel="self" type="application/atom+xml" href="${markup(publicUrl)}/issues.atom"/>
  <link rel="alternate" type="text/html" href="${markup(publicUrl)}/issues"/>
  <updated>${updated}</updated>
  <author><name>${markup(newsletterName)}</name></author>
${entries.join('')}</feed>
`;
}

export function jsonFeed(site: Site, issues: Entry[]): string {
  const { publicUrl, newsletterName } = site;
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

/** The ten-second version of an issue: a feed reader shows the rest badly, the archive well. */
function summary(url: string, verdicts: GlanceRow[]): string {
  const rows = verdicts.map(
    ({ verdict, title, entryPrice }) =>
      `<li><strong>${markup(verdict.words)}</strong>: ${markup(title)} (${markup(entryPrice)})</li>`,
  );
  return `<ul>${rows.join('')}</ul><p><a href="${markup(url)}">Read the whole issue</a></p>`;
}

/** For text and attributes of XML 1.0 and HTML; characters that XML does not allow at all are dropped. */
function markup(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
