import { WIDTH, wrap } from '../../emails/parts/plain-text.ts';
import {
  copy,
  dateline,
  figuresLine,
  inWords,
  labels,
  markWord,
  readersFigures,
  restOfChanges,
  restOfNew,
  rowNote,
  rowVerdict,
  turnedLine,
  votable,
  votesSince,
  voteUrl,
} from '../../emails/words.ts';
import type { ToolMark, Verdict } from '../comparisons/model.ts';
import type { LensRow } from '../comparisons/side-by-side.ts';
import type { ComparisonCard, IssueContent, PlaceholderCounts, ToolCard } from '../issues/content.ts';

/**
 * The text part: the same items in the same order as the HTML, written for readers and not converted. Marks are
 * `[x]` ship, `[2]` second, `[ ]` skip, `[/]` split. About 72 columns; links have their own lines and are never wrapped.
 */

const box: Record<ToolMark, string> = { ship: '[x]', second: '[2]', skip: '[ ]', split: '[/]' };

const rule = (character: string): string => character.repeat(WIDTH);
const heading = (text: string): string => `${rule('-')}\n${wrap(text.toUpperCase())}`;

/** "[x] Ship Kestrel"; the mark's word is added where the outcome does not begin with it. */
function verdictLine(verdict: Verdict, indent = ''): string {
  return wrap(inWords(verdict), `${indent}${box[verdict.mark]} `, `${indent}    `);
}

function tool(one: ToolCard): string {
  return [
    wrap(`${markWord[one.mark]}: ${one.name}`, `  ${box[one.mark]} `, '      '),
    wrap(one.tagline, '      '),
    ...(one.description === '' ? [] : [wrap(one.description, '      ')]),
    wrap(figuresLine(one), '      '),
  ].join('\n');
}

function lens({ lens: name, sides }: LensRow, tools: ComparisonCard['tools']): string {
  const calls = tools.flatMap((one, at) => {
    const call = sides[at]?.call ?? null;
    return call === null ? [] : [`${box[call]} ${markWord[call]} ${one.name}`];
  });
  const quotes = tools.flatMap((one, at) => {
    const quote = sides[at]?.quote ?? '';
    return quote === '' ? [] : [wrap(`On ${one.name}: “${quote}”`, '    ', '    ')];
  });
  return [wrap([name, ...calls].join('  '), '  ', '    '), ...quotes].join('\n');
}

/** One link for both tools: its page has a button for every call. */
const votes = (start: string, label: string, { slug }: { slug: string }): string =>
  `${wrap(label)}:\n${voteUrl(start, slug)}`;

function card(one: ComparisonCard, vote: string): string {
  return [
    [verdictLine(one.verdict), wrap(`${one.title} | ${one.category}`), wrap(one.verdict.because)].join('\n'),
    details(one, vote),
  ].join('\n\n');
}

/** Both tools, the reviewers, and the links of a comparison. */
function details(one: ComparisonCard, vote: string): string {
  return [
    ...one.tools.map(tool),
    ...(one.lenses.length > 0 ? [one.lenses.map((row) => lens(row, one.tools)).join('\n')] : []),
    `${wrap(copy.read(one.title))}:\n${one.url}`,
    votes(vote, labels.voteOnBoth(one.title), one),
  ].join('\n\n');
}

const section = (title: string, blocks: string[]): string[] =>
  blocks.length === 0 ? [] : [heading(title), ...blocks];

/** How many personal links {@link renderText} prints: one vote for each comparison, and two at its end. */
export function textLinks(content: IssueContent): PlaceholderCounts {
  const lead = 1;
  return {
    unsubscribe: 1,
    preferences: 1,
    vote: lead + content.cards.length + votable(content).length,
  };
}

/** Renders the whole text part of a variant, ending with a line break. Pure. */
export function renderText(content: IssueContent): string {
  const { newsletter, links, lead, rest } = content;
  const rows = content.rows.map((row) =>
    [
      wrap(`${markWord[row.verdict.mark]} ${rowVerdict(row)}`, `${box[row.verdict.mark]} `, '    '),
      wrap(rowNote(row), '    '),
      row.url,
    ].join('\n'),
  );
  const changed = content.changed.map((row) =>
    [
      wrap(row.title),
      wrap(copy.was),
      verdictLine(row.was, '  '),
      wrap(copy.now),
      verdictLine(row.now, '  '),
      wrap(row.whatMoved),
      wrap(copy.mailedIn(row.mailedIn)),
      row.url,
    ].join('\n'),
  );
  const more = (text: string, link: string) =>
    text === '' || rest === null ? [] : [`${wrap(text)}\n${wrap(link)}:\n${rest.url}`];
  const turned = content.turned.map((row) => `${wrap(`${row.title}: ${turnedLine(row)}`)}\n${row.url}`);
  const readers = content.readers.map((row) =>
    [wrap(`${row.tool} (${row.title})`), wrap(readersFigures(row)), wrap(votesSince(row)), row.url].join(
      '\n',
    ),
  );
  const blocks = [
    [
      wrap(`${newsletter.name} ${dateline(content)}`),
      ...(content.topics.length > 0 ? [wrap(copy.topics(content.topics))] : []),
    ].join('\n'),
    rule('='),
    [
      wrap(`${copy.lead} · ${lead.category}`),
      verdictLine(lead.verdict),
      wrap(lead.verdict.because),
      `${wrap(labels.readWhy(lead.title))}\n${lead.url}`,
    ].join('\n'),
    ...section(labels.rows, [...rows, ...more(rest === null ? '' : restOfNew(rest), copy.restOfNew)]),
    ...section(copy.changed, [
      ...changed,
      ...turned,
      ...more(rest === null ? '' : restOfChanges(rest), copy.restOfChanges),
    ]),
    ...(content.intro === null ? [] : [wrap(content.intro)]),
    ...section(lead.title, [details(lead, links.vote)]),
    ...section(
      copy.cards,
      content.cards.map((one) => card(one, links.vote)),
    ),
    ...section(
      labels.votes,
      votable(content).map((one) => votes(links.vote, copy.voteOn(one.title), one)),
    ),
    ...section(copy.readers, readers),
    rule('='),
    wrap(labels.legend(content)),
    `${labels.forwarded} ${wrap(labels.subscribe(newsletter.name))}:\n${newsletter.url}`,
    wrap(copy.why(newsletter.name)),
    `${copy.unsubscribe}:\n${links.unsubscribe}`,
    `${copy.preferences}:\n${links.preferences}`,
    `${copy.online}:\n${links.online}`,
    wrap(`${labels.issue(content)} · ${newsletter.postalAddress}`),
  ];
  return `${blocks.join('\n\n')}\n`;
}
