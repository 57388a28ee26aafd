import { load } from 'cheerio';

/** A mail, as far as a reader's tokens may stand in it. */
interface Personal {
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

/** The links of ours in which a token stands; everything else that names one is a leak. */
export interface TokenLinks {
  html: string[];
  text: string[];
  headers: string[];
  /** What else names a token, with what stands around it. */
  leaks: string[];
}

/**
 * Looks for tokens in a whole mail, as bytes and as a mail program reads it.
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
      // What no program shows, but somebody may look at.
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
