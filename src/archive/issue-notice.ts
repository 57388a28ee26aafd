import { theme } from '../../emails/theme.ts';
import { comparisonUrl, type Site } from '../platform/site.ts';
import type { PublishedIssue } from './archive-store.ts';

/**
 * The notice above an archived issue that was stopped, or whose comparison was taken down: the issue itself stays as it
 * was mailed.
 */
type Noticed = Pick<PublishedIssue, 'isStopped' | 'takenDown'>;

const STOPPED = 'This issue was stopped while it was sent';
const STOPPED_MEANING = 'Only some readers got it; what it carries stands in a later issue for the others.';

const WORDS = 'Taken down since this was mailed';
const MEANING = 'What this issue says of it does not stand any more.';

/** @param html of the issue as it was mailed. */
export function withNotice(html: string, site: Site, { isStopped, takenDown }: Noticed): string {
  const links = takenDown.map(
    ({ slug, title }) =>
      `<a href="${escapeHtml(comparisonUrl(site, slug))}" style="color:${theme.light.accent}">${escapeHtml(title)}</a>`,
  );
  const { paper, ink, accent } = theme.light;
  const style = `margin:0;padding:16px 20px;background:${paper};color:${ink};border-bottom:4px solid ${accent};font:16px/1.5 ${theme.type.sans}`;
  const paragraph = (bold: string, text: string) =>
    `<div role="note" style="${style}"><strong>${bold}</strong> ${text}</div>`;
  const notice =
    (isStopped ? paragraph(`${STOPPED}.`, STOPPED_MEANING) : '') +
    (links.length > 0 ? paragraph(`${WORDS}:`, `${links.join(', ')}. ${MEANING}`) : '');
  // Our templates always print the tag; a mail without one gets the notice at its beginning.
  const body = /<body\b[^>]*>/i.exec(html);
  const at = body === null ? 0 : body.index + body[0].length;
  return html.slice(0, at) + notice + html.slice(at);
}

/** @param text of the issue as it was mailed. */
export function withTextNotice(text: string, site: Site, { isStopped, takenDown }: Noticed): string {
  const lines = takenDown.map(({ slug, title }) => `- ${title}: ${comparisonUrl(site, slug)}`);
  const notices = [
    ...(isStopped ? [`${STOPPED}.\n${STOPPED_MEANING}`] : []),
    ...(lines.length > 0 ? [`${WORDS}:\n${lines.join('\n')}\n${MEANING}`] : []),
  ];
  return [...notices.map((notice) => `${notice}\n\n${'-'.repeat(40)}\n\n`), text].join('');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
