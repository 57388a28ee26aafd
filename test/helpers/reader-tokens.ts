import { load } from 'cheerio';

/** The parts of a mail that may contain a reader's tokens. */
interface Personal {
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

/** Our links that contain a token; any other occurrence is a leak. */
export interface TokenLinks {
  html: string[];
  text: string[];
  headers: string[];
  /** Other occurrences of a token, with the text around them. */
  leaks: string[];
}

/**
 * Searches for tokens in a whole mail, as bytes and as a mail program parses it.
 * @param tokens of the reader who gets it.
 */
export function tokenLinks(mail: Personal, publicUrl: string, tokens: readonly string[]): TokenLinks {
  const token = tokens.map((each) => each.replaceAll('.', '\\.')).join('|');
  const origin = publicUrl.replaceAll('.', '\\.');
  const link = `${origin}/(?:(?:unsubscribe|preferences)/(?:${token})|vote/(?:${token})/[^\\s/?#"'<>]+(?:/[ab]/(?:ship|skip))?)`;
  const isLink = (text: string) => new RegExp(`^${link}$`, 'u').test(text);
  const named = (text: string) => [...text.matchAll(new RegExp(token, 'gu'))];
  const around = (part: string, text: string) =>
    named(text).map(({ index }) => `${part}: …${text.slice(Math.max(0, index - 80), index + 60)}…`);

  const $ = load(mail.html);
  const hrefs = $('a[href]')
    .toArray()
    .map((each) => $(each).attr('href') ?? '')
    .filter(isLink);
  const inHtml = named(mail.html).length;
  $('a[href]')
    .toArray()
    .filter((each) => isLink($(each).attr('href') ?? ''))
    .forEach((each) => {
      $(each).removeAttr('href');
    });

  const lines = mail.text.split('\n');
  const header = mail.headers['List-Unsubscribe'] ?? '';
  const [, ours = '', byMail = ''] =
    /^<([^<>]+)>, <mailto:u\+([^<>@]+)@[\w.-]+>$/u.exec(header) ?? /^<([^<>]+)>(.*)$/u.exec(header) ?? [];
  const isOurHeader = isLink(ours) && (byMail === '' || tokens.includes(byMail));
  const { 'List-Unsubscribe': _, ...otherHeaders } = mail.headers;
  return {
    html: hrefs,
    text: lines.filter(isLink),
    headers: isOurHeader ? [ours] : [],
    leaks: [
      ...around('html as it is read', $.html()),
      // Parts that no program shows, but a person may read.
      ...(inHtml === hrefs.length
        ? []
        : [`html as it is sent: ${inHtml} tokens, ${hrefs.length} links of ours`]),
      ...lines.filter((line) => !isLink(line)).flatMap((line) => around('text', line)),
      ...around('subject', mail.subject),
      ...(isOurHeader ? [] : around('List-Unsubscribe', header)),
      ...Object.entries(otherHeaders).flatMap(([name, value]) => around(name, value)),
    ],
  };
}
