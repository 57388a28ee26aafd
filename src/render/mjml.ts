import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Liquid } from 'liquidjs';
import mjml2html from 'mjml';
import { columnStyle, ghost } from '../../emails/parts/columns.ts';
import { preheaderFiller } from '../../emails/parts/preheader.ts';
import { mediaStyleSheet, outlookStyleSheet, styleSheet } from '../../emails/stylesheet.ts';
import { theme } from '../../emails/theme.ts';
import {
  afterMark,
  copy,
  dateline,
  figuresLine,
  figuresOf,
  isolate,
  labels,
  markLabel,
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
import type { Call, Verdict } from '../comparisons/model.ts';
import type {
  ChangedVerdict,
  ComparisonCard,
  IssueContent,
  ReadersSaid,
  ToolCard,
  VerdictRow,
} from '../issues/content.ts';
import { escapeAttribute } from './personalise.ts';

/** `templates/` is beside `src/`, one level higher from a build. */
const root = ['../../templates/', '../../../templates/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/**
 * MJML is a text template: it passes raw tags and scripts through, and an unclosed `mj-text` drops content without an
 * error. So Liquid escapes every output, and a misspelt name stops the render instead of printing nothing.
 */
const liquid = new Liquid({
  root: root ?? '.',
  extname: '.liquid',
  cache: true,
  outputEscape: 'escape',
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  ownPropertyOnly: true,
  globals: {
    theme,
    copy,
    labels,
    ghost,
    noNames: [],
    columnCss: css(columnStyle),
    styleSheet,
    mediaStyleSheet,
    outlookStyleSheet,
  },
});

const filters = {
  after_mark: (verdict: Verdict) => afterMark(verdict),
  card_names: ({ tools }: ComparisonCard) => tools.map(({ name }) => name),
  dateline: (content: IssueContent) => dateline(content),
  figures_line: (tool: ToolCard) => figuresLine(tool),
  figures_of: (tool: ToolCard) => figuresOf(tool),
  /** The only markup that a filter makes: it escapes what it is given. */
  isolate: (text: string, names: readonly string[]) =>
    isolate(text, names)
      .map((part) => (part.isName ? `<bdi>${escapeAttribute(part.text)}</bdi>` : escapeAttribute(part.text)))
      .join(''),
  issue_label: (content: IssueContent) => labels.issue(content),
  legend: (content: IssueContent) => labels.legend(content),
  mailed_in: (number: number) => copy.mailedIn(number),
  mark_label: (mark: ToolCard['mark']) => markLabel(mark),
  read_link: (title: string) => copy.read(title),
  read_why: (title: string) => labels.readWhy(title),
  readers_figures: (row: ReadersSaid) => readersFigures(row),
  rest_of_changes: ({ rest }: IssueContent) => (rest === null ? '' : restOfChanges(rest)),
  rest_of_new: ({ rest }: IssueContent) => (rest === null ? '' : restOfNew(rest)),
  row_note: (row: VerdictRow) => rowNote(row),
  row_verdict: (row: VerdictRow) => rowVerdict(row),
  subscribe_label: (newsletter: string) => labels.subscribe(newsletter),
  turned_line: (row: ChangedVerdict) => turnedLine(row),
  votable: (content: IssueContent) => votable(content),
  vote_for: (tool: string, call: Call) => copy.voteFor(call, tool),
  vote_on: (title: string) => copy.voteOn(title),
  vote_on_both: (title: string) => labels.voteOnBoth(title),
  vote_url: (start: string, slug: string, side?: 0 | 1, call?: Call) => voteUrl(start, slug, side, call),
  votes_since: (row: ReadersSaid) => votesSince(row),
  why: (newsletter: string) => copy.why(newsletter),
  with_filler: (preheader: string) => preheader + preheaderFiller(preheader),
  your_topics: (topics: string[]) => copy.topics(topics),
};
for (const [name, filter] of Object.entries(filters)) liquid.registerFilter(name, filter);

/** Renders the digest by MJML. `content` is already sanitized; Liquid escapes every text. */
export async function renderMjml(content: IssueContent): Promise<string> {
  const source: string = await liquid.renderFile('digest.mjml', { ...content, issue: content });
  const { html } = await mjml2html(source, {
    // The defaults fetch web fonts whenever a font stack names one of them.
    fonts: {},
    validationLevel: 'strict',
    minify: true,
    // With CSS minification a malformed declaration would reject the render and, on Node 20, kill the process.
    minifyOptions: { minifyCss: false, collapseWhitespace: 'aggressive' },
    juiceOptions: { applyAttributesTableElements: false },
  });
  return compact(html);
}

/** "display:inline-block;max-width:258px" */
function css(style: Readonly<Record<string, string | number>>): string {
  return Object.entries(style)
    .map(([name, value]) => {
      const property = name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
      return `${property}:${typeof value === 'number' ? `${value}px` : value}`;
    })
    .join(';');
}

/**
 * Removes what MJML adds and a mail is better without: text of no size around everything, which filters take for a
 * hiding place; blanks in inline styles; classes that no rule names; a role description, which validators reject.
 * Text cannot match: its quotes and brackets are escaped.
 */
function compact(mail: string): string {
  // Rules for Outlook 2003.
  const html = mail.replace(/<!--\[if lte mso 11\]>[\s\S]*?<!\[endif\]-->/u, '');
  const styles = [...html.matchAll(/<style[^>]*>([^<]*)/gu)].map(([, rules = '']) => rules).join('');
  return html
    .replace(/(?: aria-label="[^"]*")? aria-roledescription="email" role="article"/u, '')
    .replace(/ style="([^"]*)"/gu, (_, declarations: string) => {
      const kept = declarations
        .replace(/\s*([:;,])\s*/gu, '$1')
        .replace(/(?:^|(?<=;))font-size:0(?:px)?(?:;|$)/gu, '');
      return kept === '' ? '' : ` style="${kept.replace(/;$/u, '')}"`;
    })
    .replace(/ class="([^"]*)"/gu, (_, names: string) => {
      const used = names.split(/\s+/u).filter((name) => name !== '' && styles.includes(`.${name}`));
      return used.length === 0 ? '' : ` class="${used.join(' ')}"`;
    });
}
