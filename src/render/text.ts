import { WIDTH, wrap } from '../../emails/parts/plain-text.ts';
import {
  copy,
  dateline,
  glanceTitle,
  inWords,
  markWord,
  readersLabel,
  restOfChanges,
  restOfNew,
  share,
  turnedLine,
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
const heading = (text: string): string => `${rule('-')}\n${text.toUpperCase()}`;

/** "[x] Ship Kestrel"; the mark's word is added where the outcome does not begin with it. */
function verdictLine(verdict: Verdict, indent = ''): string {
  return wrap(inWords(verdict), `${indent}${box[verdict.mark]} `, `${indent}    `);
}

function tool(one: ToolCard, full: boolean): string {
  const figures = [
    `${copy.figures.panel} ${share(one.panelShip)}`,
    `${copy.figures.community} ${share(one.communityShip)}`,
    ...(one.readers === null ? [] : [`${readersLabel(one.readers.votes)} ${share(one.readers.ship)}`]),
    `${copy.figures.entryPrice} ${one.entryPrice}`,
  ];
  return [
    wrap(`${markWord[one.mark]}: ${one.name}`, `  ${box[one.mark]} `, '      '),
    wrap(figures.join(' | '), '      '),
    wrap(one.tagline, '      '),
    ...(full ? [wrap(one.description, '      ')] : []),
  ].join('\n');
}

function lens(row: LensRow, [first, second]: ComparisonCard['tools']): string {
  const said = [first, second].flatMap((one, index) => {
    const side = row.sides[index];
    if (!side) return [];
    const call = side.call === null ? '' : `${markWord[side.call]}. `;
    return [wrap(`${one.name}: ${call}“${side.quote}”`, '    ', '      ')];
  });
  return [wrap(row.lens, '  '), ...said].join('\n');
}

/** One link for both tools: its page has a button for every call. */
const votes = (start: string, { slug }: { slug: string }): string =>
  `${copy.vote.both}:\n${voteUrl(start, slug)}`;

function card(one: ComparisonCard, full: boolean, vote: string): string {
  return [
    [verdictLine(one.verdict), wrap(`${one.title} | ${one.category}`), wrap(one.verdict.because)].join('\n'),
    ...one.tools.map((side) => tool(side, full)),
    ...one.lenses.map((row) => lens(row, one.tools)),
    `${wrap(copy.read(one.title))}:\n${one.url}`,
    votes(vote, one),
  ].join('\n\n');
}

const section = (title: string, blocks: string[]): string[] =>
  blocks.length === 0 ? [] : [heading(title), ...blocks];

/** How many personal links {@link renderText} prints: one vote for each card and row, and two at its end. */
export function textLinks({ cards, compact, changed }: IssueContent): PlaceholderCounts {
  const lead = 1;
  return {
    unsubscribe: 1,
    preferences: 1,
    vote: lead + cards.length + compact.length + changed.length,
  };
}

/** Renders the whole text part of a variant, ending with a line break. Pure. */
export function renderText(content: IssueContent): string {
  const { newsletter, links } = content;
  const glance = content.glance.map((row) =>
    [verdictLine(row.verdict), wrap(`${row.title} | ${row.entryPrice}`, '    ')].join('\n'),
  );
  const compact = content.compact.map((row) =>
    [
      verdictLine(row.verdict),
      wrap(`${row.title} | ${row.entryPrice}`, '    '),
      wrap(row.verdict.because, '    '),
      row.url,
      votes(links.vote, row),
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
      votes(links.vote, row),
    ].join('\n'),
  );
  const line = (title: string, text: string, url: string) => `${wrap(`${title}: ${text}`)}\n${url}`;
  const more = (text: string, link: string) =>
    text === '' || content.rest === null ? [] : [`${wrap(text)}\n${wrap(link)}:\n${content.rest.url}`];
  const newLines = [
    ...content.brief.map(({ title, verdict, url }) => line(title, inWords(verdict), url)),
    ...more(content.rest === null ? '' : restOfNew(content.rest), copy.restOfNew),
  ];
  const changedLines = [
    ...content.turned.map((row) => line(row.title, turnedLine(row), row.url)),
    ...more(content.rest === null ? '' : restOfChanges(content.rest), copy.restOfChanges),
  ];
  const readers = content.readers.map((row) =>
    [
      wrap(`${row.tool} (${row.title})`),
      wrap(
        `${copy.figures.panel} ${share(row.panelShip)} | ${copy.figures.readers} ${share(row.readersShip)}`,
      ),
      wrap(votesSince(row)),
      row.url,
    ].join('\n'),
  );
  const blocks = [
    [
      wrap(newsletter.name),
      wrap(dateline(content)),
      ...(content.topics.length > 0 ? [wrap(copy.topics(content.topics))] : []),
    ].join('\n'),
    rule('='),
    glanceTitle(content).toUpperCase(),
    glance.join('\n'),
    ...(content.intro === null ? [] : [wrap(content.intro)]),
    ...section(copy.lead, [card(content.lead, true, links.vote)]),
    ...section(
      copy.cards,
      content.cards.map((one) => card(one, false, links.vote)),
    ),
    ...section(copy.compact, [...compact, ...newLines]),
    ...section(copy.changed, [...changed, ...changedLines]),
    ...section(copy.readers, readers),
    rule('='),
    wrap(copy.why(newsletter.name)),
    `${copy.unsubscribe}:\n${links.unsubscribe}`,
    `${copy.preferences}:\n${links.preferences}`,
    `${copy.online}:\n${links.online}`,
    wrap(newsletter.postalAddress),
  ];
  return `${blocks.join('\n\n')}\n`;
}
