import { type CheerioAPI, load } from 'cheerio';
import { afterMark, restOfChanges, restOfNew, rowVerdict, votesSince } from '../../emails/words.ts';
import type { IssueContent, PlaceholderCounts } from '../issues/content.ts';
import { parseUrl } from '../platform/url.ts';
import { unreadableText } from './contrast.ts';
import {
  activeContent,
  badLinks,
  brokenCharacters,
  externalStyle,
  genericLinks,
  missingAlt,
  missingLanguage,
  shorten,
  skippedHeadings,
  unlabelledTables,
  visibleText,
} from './markup.ts';
import { compile } from './personalise.ts';
import { countLinks, deliveredBytes, differences } from './placeholders.ts';
import { sanitize } from './sanitize.ts';
import { GAPS, missingSupport, type Styled, styled } from './support.ts';

/**
 * The lint of an issue: things that mail clients, mailbox providers, the law or screen readers reject. `block`
 * stops an approval, `warn` asks an editor to look. The rules come from Gmail's clipping at about 102 kB, CAN-SPAM
 * (postal address, opt-out), the Email Markup Consortium's list of the most frequent failures, and the support
 * tables of mail clients.
 */

export interface Check {
  /** Stable: "size.html", "a11y.h1". */
  id: string;
  level: 'block' | 'warn';
  where: 'html' | 'text' | 'subject' | 'preheader' | 'content';
  /** The problem, with the number or the words that show it. */
  message: string;
  /** What to do about it, one sentence. */
  help: string;
}

interface Variant {
  subject: string;
  preheader: string;
  html: string;
  text: string;
  /** Personal links that its template declared. */
  links: { html: PlaceholderCounts; text: PlaceholderCounts };
}

/** The input of a rule. `said` is all visible text, reduced by {@link plain}. */
interface CheckContext extends Variant {
  $: CheerioAPI;
  /** Bytes of the html as a reader gets it, with the longest personal links. */
  delivered: number;
  /** Personal links that were found in it. */
  has: { html: PlaceholderCounts; text: PlaceholderCounts };
  /** The original content; `safe` is the content as the engines receive it. */
  content: IssueContent;
  safe: IssueContent;
  said: { html: string; text: string };
  styled: Styled;
}

/** One rule: returns findings, each a sentence; none if there is no problem. */
type Rule = Omit<Check, 'message'> & { find: (input: CheckContext) => string[] };

/** Limits in UTF-8 bytes of the HTML as delivered, and of its style blocks. */
export const SIZE_LIMITS = { warn: 80_000, block: 95_000, style: 8_192 } as const;

const when = (wrong: boolean, message: string): string[] => (wrong ? [message] : []);
const bytes = (count: number): string => `${count.toLocaleString('en-US')} bytes`;
const size = (html: string): number => Buffer.byteLength(html);
const length = (text: string): number => [...text].length;
const both = (
  rule: Omit<Rule, 'where' | 'find'>,
  find: (input: CheckContext, part: 'html' | 'text') => string[],
): Rule[] =>
  (['html', 'text'] as const).map((where) => ({ ...rule, where, find: (input) => find(input, where) }));

/** For comparing texts without regard to markup between words: letters, digits and symbols alone. */
const plain = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s\p{P}\p{Cf}]+/gu, '');

/** A leftover of broken code. A quote may contain "returns undefined" on purpose: then an editor decides. */
const leftover = (token: string, id: string): Rule[] => {
  const quoted = token.replace(/[[\]]/gu, '\\$&');
  const word = new RegExp(`(?<![\\p{L}\\p{N}])${quoted}(?![\\p{L}\\p{N}])`, 'u');
  const isSaid = ({ safe }: CheckContext): boolean => word.test(JSON.stringify(safe));
  const message = `It says "${token}".`;
  return [
    ...both(
      { id, level: 'block', help: 'A value is missing: mend the template or the content.' },
      (input, part) => when(word.test(input[part]) && !isSaid(input), message),
    ),
    ...both({ id, level: 'warn', help: 'If a comparison really says so, leave it.' }, (input, part) =>
      when(word.test(input[part]) && isSaid(input), message),
    ),
  ];
};

const sizeRules: Rule[] = [
  {
    id: 'size.html',
    level: 'block',
    where: 'html',
    help: 'Gmail cuts it off: leave comparisons out, or shorten texts.',
    find: ({ delivered }) =>
      when(
        delivered > SIZE_LIMITS.block,
        `The html is ${bytes(delivered)}, more than ${bytes(SIZE_LIMITS.block)}.`,
      ),
  },
  {
    id: 'size.html',
    level: 'warn',
    where: 'html',
    help: 'Leave a comparison out before it grows further.',
    find: ({ delivered }) =>
      when(
        delivered > SIZE_LIMITS.warn && delivered <= SIZE_LIMITS.block,
        `The html is ${bytes(delivered)}, more than ${bytes(SIZE_LIMITS.warn)}.`,
      ),
  },
  {
    id: 'size.style',
    level: 'block',
    where: 'html',
    help: 'Inline what every client needs and drop the rest.',
    find: ({ $ }) => {
      const style = size($('style').text());
      return when(
        style > SIZE_LIMITS.style,
        `The style blocks are ${bytes(style)}, more than ${bytes(SIZE_LIMITS.style)}.`,
      );
    },
  },
];

const contentRules: Rule[] = [
  {
    id: 'content.links',
    level: 'block',
    where: 'content',
    help: 'The mail links to the newsletter instead; give the comparison its http(s) address.',
    find: ({ content: { lead, rows, changed, turned, readers } }) =>
      [lead, ...rows, ...changed, ...turned, ...readers]
        .filter(({ url }) => !/^https?:\/\//iu.test(url) || parseUrl(url) === null)
        .map(({ title, url }) => `${shorten(title)} leads to "${shorten(url)}".`),
  },
  {
    id: 'postal-address',
    level: 'block',
    where: 'content',
    help: 'Set POSTAL_ADDRESS: the law asks for a physical address in every issue.',
    find: ({ content }) =>
      when(content.newsletter.postalAddress.trim() === '', 'There is no postal address.'),
  },
  ...both(
    { id: 'postal-address', level: 'block', help: 'The template must print newsletter.postalAddress.' },
    ({ safe, said }, part) =>
      when(!said[part].includes(plain(safe.newsletter.postalAddress)), 'The postal address is missing.'),
  ),
  ...both(
    { id: 'unsubscribe', level: 'block', help: 'The template must print links.unsubscribe.' },
    ({ has }, part) => when(has[part].unsubscribe === 0, 'There is no link to unsubscribe.'),
  ),
  ...both(
    { id: 'preferences', level: 'block', help: 'The template must print links.preferences.' },
    ({ has }, part) => when(has[part].preferences === 0, 'There is no link to the preferences.'),
  ),
  ...both(
    { id: 'personal-links', level: 'block', help: 'Change what the template prints, or what it declares.' },
    ({ has, links }, part) => differences(has[part], links[part]).map((wrong) => `The ${part} ${wrong}.`),
  ),
  ...both(
    { id: 'facts', level: 'block', help: 'The template must print every comparison with its verdict.' },
    ({ safe, said }, part) =>
      facts(safe)
        .filter((one) => !said[part].includes(plain(one)))
        .map((one) => `"${shorten(one)}" is missing.`),
  ),
  ...both(
    { id: 'leftover.template', level: 'block', help: 'Mend the template; item text cannot cause this.' },
    (input, part) => when(/\{\{|\{%/u.test(input[part]), 'Template syntax was left unresolved.'),
  ),
  ...leftover('undefined', 'leftover.undefined'),
  ...leftover('NaN', 'leftover.nan'),
  ...leftover('[object Object]', 'leftover.object'),
  ...both(
    { id: 'encoding', level: 'block', help: 'Remove the broken character from the source.' },
    (input, part) => brokenCharacters(input[part]),
  ),
];

const markup = (
  id: string,
  level: Check['level'],
  find: ($: CheerioAPI) => string[],
  help: string,
): Rule => ({
  id,
  level,
  where: 'html',
  help,
  find: ({ $ }) => find($),
});

const markupRules: Rule[] = [
  markup('html.links', 'block', badLinks, 'Links are absolute: https, http or mailto.'),
  markup('html.link-text', 'warn', genericLinks, 'Say where it leads: "Read the A vs B comparison".'),
  markup(
    'html.active',
    'block',
    activeContent,
    'Clients remove or distrust scripts, forms, frames and handlers.',
  ),
  markup('html.external', 'block', externalStyle, 'Style inline; fetch no stylesheet, font or background.'),
  markup('a11y.alt', 'block', missingAlt, 'Describe the image; an ornament outside a link takes alt="".'),
  markup(
    'a11y.h1',
    'block',
    ($) => when($('h1').length !== 1, `There are ${$('h1').length} h1 headings.`),
    'A mail has exactly one h1.',
  ),
  markup(
    'a11y.title',
    'block',
    ($) =>
      when(
        $('title').length !== 1 || $('title').text().trim() === '',
        `There are ${$('title').length} titles, or an empty one.`,
      ),
    'A mail has exactly one title.',
  ),
  markup(
    'a11y.contrast',
    'block',
    unreadableText,
    'Take ink, muted or accent of the theme on its paper, in light and in dark.',
  ),
  markup('a11y.headings', 'block', skippedHeadings, 'Headings go down one level at a time.'),
  markup(
    'a11y.language',
    'block',
    missingLanguage,
    'Set lang and dir on html and on the body or its wrapper.',
  ),
  markup(
    'a11y.tables',
    'block',
    unlabelledTables,
    'Layout tables take role="presentation", data tables a caption and th with scope.',
  ),
];

/** Missing support in some mail clients is a warning for the editor: the mail can be read without it. */
const supportRules: Rule[] = GAPS.map((gap) => ({
  id: gap.id,
  level: 'warn',
  where: 'html',
  help: gap.help,
  find: (input) => missingSupport(gap, input.styled),
}));

const lineRules: Rule[] = [
  {
    id: 'subject.line',
    level: 'block',
    where: 'subject',
    help: 'Write it on one line: a break would forge a header.',
    find: ({ subject, content }) =>
      when(/[\r\n\0]/u.test(subject + content.subject), 'The subject has a line break.'),
  },
  {
    id: 'subject.length',
    level: 'block',
    where: 'subject',
    help: 'Write the best verdict of the week, in fewer than 200 characters.',
    find: ({ subject }) =>
      when(subject.trim() === '' || length(subject) > 200, `The subject has ${length(subject)} characters.`),
  },
  {
    id: 'subject.length',
    level: 'warn',
    where: 'subject',
    help: '30 to 55 characters are read whole in most inboxes.',
    find: ({ subject }) =>
      when(
        (length(subject) < 30 && subject.trim() !== '') || (length(subject) > 55 && length(subject) <= 200),
        `The subject has ${length(subject)} characters.`,
      ),
  },
  {
    id: 'preheader.length',
    level: 'warn',
    where: 'preheader',
    help: 'Use 40 to 90 characters of news that the subject does not say.',
    find: ({ preheader }) =>
      when(
        length(preheader) < 40 || length(preheader) > 90,
        `The preheader has ${length(preheader)} characters.`,
      ),
  },
];

/** Returns the names and the verdict in words of every comparison, and every number of the summary. */
function facts({ lead, rows, cards, changed, turned, rest, readers }: IssueContent): string[] {
  return [
    ...[lead, ...cards].flatMap(({ title, verdict }) => [title, `${verdict.mark} ${afterMark(verdict)}`]),
    ...rows.flatMap((row) => [...row.names, `${row.verdict.mark} ${rowVerdict(row)}`]),
    ...[...changed, ...turned].flatMap(({ title, was, now }) => [
      title,
      `${was.mark} ${afterMark(was)}`,
      `${now.mark} ${afterMark(now)}`,
    ]),
    ...(rest === null ? [] : [restOfNew(rest), restOfChanges(rest)]),
    ...readers.flatMap((row) => [row.title, row.tool, votesSince(row)]),
  ];
}

/** Returns all findings of one rendered variant, in the order of the rules; an empty list means no problem. Pure. */
export function checks(content: IssueContent, variant: Variant): Check[] {
  const $ = load(variant.html);
  const said = { html: plain(visibleText($)), text: plain(variant.text) };
  const compiled = compile(variant);
  const has = { html: countLinks(compiled.html.slots), text: countLinks(compiled.text.slots) };
  const input: CheckContext = {
    ...variant,
    $,
    delivered: deliveredBytes(variant.html, has.html, content.newsletter.url),
    has,
    content,
    safe: sanitize(content),
    said,
    styled: styled($),
  };
  return [...sizeRules, ...contentRules, ...markupRules, ...supportRules, ...lineRules].flatMap(
    ({ find, ...rule }) => find(input).map((message) => ({ ...rule, message })),
  );
}
