import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Liquid } from 'liquidjs';
import mjml2html from 'mjml';
import { sizes } from '../../emails/parts/mark-sizes.ts';
import { outlookStyleSheet, styleSheet } from '../../emails/stylesheet.ts';
import { theme } from '../../emails/theme.ts';
import {
  afterMark,
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
import type { Call, ToolMark, Verdict } from '../comparisons/model.ts';
import type { ChangedVerdict, IssueContent, ReadersSaid } from '../issues/content.ts';

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
  globals: { theme, copy, sizes, styleSheet, outlookStyleSheet },
});

liquid.registerFilter('after_mark', (verdict: Verdict) => afterMark(verdict));
liquid.registerFilter('mark_word', (mark: ToolMark) => markWord[mark]);
liquid.registerFilter('share', (value: number | null) => share(value));
liquid.registerFilter('in_words', (verdict: Verdict) => inWords(verdict));
liquid.registerFilter('turned_line', (row: ChangedVerdict) => turnedLine(row));
liquid.registerFilter('votes_since', (row: ReadersSaid) => votesSince(row));
liquid.registerFilter('rest_of_new', ({ rest }: IssueContent) => (rest === null ? '' : restOfNew(rest)));
liquid.registerFilter('rest_of_changes', ({ rest }: IssueContent) =>
  rest === null ? '' : restOfChanges(rest),
);
liquid.registerFilter('readers_label', (votes: number) => readersLabel(votes));
liquid.registerFilter('vote_url', (start: string, slug: string, side?: 0 | 1, call?: Call) =>
  voteUrl(start, slug, side, call),
);
liquid.registerFilter('vote_for', (tool: string, call: Call) => copy.voteFor(call, tool));
liquid.registerFilter('vote_on', (title: string) => copy.voteOn(title));
liquid.registerFilter('dateline', (content: IssueContent) => dateline(content));
liquid.registerFilter('glance_title', (content: IssueContent) => glanceTitle(content));
liquid.registerFilter('your_topics', (topics: string[]) => copy.topics(topics));
liquid.registerFilter('read_link', (title: string) => copy.read(title));
liquid.registerFilter('mailed_in', (number: number) => copy.mailedIn(number));
liquid.registerFilter('why', (newsletter: string) => copy.why(newsletter));

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
  return compactStyles(html).replace(WRAPPER, '<div');
}

/**
 * A div with the role of an article: clients remove the native element, and validators reject the role description
 * without a role.
 */
const WRAPPER = /<div(?: aria-label="[^"]*")? aria-roledescription="email" role="article"/u;

/**
 * Removes blanks from inline styles, which the inliner writes as "color: #fff; " and which are a fifth of the mail.
 * Text cannot match: its quotes are escaped.
 */
const compactStyles = (html: string): string =>
  html.replace(
    / style="([^"]*)"/gu,
    (_, css: string) => ` style="${css.replace(/\s*([:;,])\s*/gu, '$1').replace(/;$/u, '')}"`,
  );
