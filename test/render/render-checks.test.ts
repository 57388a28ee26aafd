import { describe, expect, it } from 'vitest';
import type { IssueContent } from '../../src/issues/content.ts';
import { checks } from '../../src/render/checks.ts';
import { type RenderedVariant, renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

type Break = (variant: RenderedVariant) => Partial<RenderedVariant>;

const html =
  (from: string | RegExp, to: string): Break =>
  (variant) => {
    const broken = variant.html.replace(from, to);
    if (broken === variant.html) throw new Error(`nothing to break: ${from}`);
    return { html: broken };
  };
const text =
  (from: string | RegExp, to: string): Break =>
  (variant) => ({ text: variant.text.replaceAll(from as string, to) });
const inBody = (markup: string): Break => html('</h1>', `</h1>${markup}`);

/** One break a row, and the finding it must cause: [id, level, where, break]. */
const rows: [string, 'block' | 'warn', string, Break][] = [
  ['size.html', 'warn', 'html', inBody(`<p>${'padding '.repeat(8_000)}</p>`)],
  ['size.html', 'block', 'html', inBody(`<p>${'padding '.repeat(12_000)}</p>`)],
  ['size.style', 'block', 'html', html('</head>', `<style>${'p{margin:0}'.repeat(800)}</style></head>`)],
  [
    'html.links',
    'block',
    'html',
    html(/href="https:\/\/verdicts\.example\/compare\/[^"]*"/u, 'href="/compare"'),
  ],
  [
    'html.links',
    'block',
    'html',
    html(/href="https:\/\/verdicts\.example\/compare\/[^"]*"/u, 'href="javascript:alert(1)"'),
  ],
  ['html.links', 'block', 'html', html(/href="https:\/\/verdicts\.example\/compare\/[^"]*"/u, '')],
  ['html.link-text', 'warn', 'html', html(/Read the Kestrel vs Quillwright comparison/u, 'Read more')],
  ['html.link-text', 'warn', 'html', html(/Read the Kestrel vs Quillwright comparison/u, '')],
  ['html.active', 'block', 'html', inBody('<script>1</script>')],
  ['html.active', 'block', 'html', inBody('<form action="https://verdicts.example"></form>')],
  ['html.active', 'block', 'html', inBody('<iframe title="x"></iframe>')],
  ['html.active', 'block', 'html', inBody('<object></object>')],
  ['html.active', 'block', 'html', inBody('<p onclick="alert(1)">x</p>')],
  [
    'html.external',
    'block',
    'html',
    html('</head>', '<link rel="stylesheet" href="https://fonts.example/a.css"></head>'),
  ],
  [
    'html.external',
    'block',
    'html',
    html('</head>', '<style>@import "https://fonts.example/a.css";</style></head>'),
  ],
  ['html.external', 'block', 'html', inBody('<p style="background:url(https://pixel.example)">x</p>')],
  ['a11y.alt', 'block', 'html', inBody('<img src="https://verdicts.example/a.png">')],
  [
    'a11y.alt',
    'block',
    'html',
    inBody('<a href="https://verdicts.example">Logo<img alt="" src="https://verdicts.example/a.png"></a>'),
  ],
  ['a11y.h1', 'block', 'html', inBody('<h1>Again</h1>')],
  ['a11y.h1', 'block', 'html', html(/<h1[\s\S]*<\/h1>/u, '')],
  ['a11y.title', 'block', 'html', html(/<title>[^<]*<\/title>/u, '<title>One</title><title>Two</title>')],
  ['a11y.title', 'block', 'html', html(/<title>[^<]*<\/title>/u, '<title> </title>')],
  ['a11y.headings', 'block', 'html', inBody('<h4>Too deep</h4>')],
  ['a11y.language', 'block', 'html', html(/<html[^>]*>/u, '<html lang="en">')],
  [
    'a11y.language',
    'block',
    'html',
    (variant) => ({
      html: variant.html.replace(/(<body[\s\S]*)/u, (body) => body.replaceAll(' lang="en"', '')),
    }),
  ],
  ['a11y.tables', 'block', 'html', inBody('<table><tr><td>x</td></tr></table>')],
  ['a11y.tables', 'block', 'html', inBody('<table><caption>x</caption><tr><th>x</th></tr></table>')],
  ['a11y.tables', 'block', 'html', inBody('<table><tr><th scope="row">x</th></tr></table>')],
  ['leftover.template', 'block', 'html', inBody('<p>{{ name }}</p>')],
  ['leftover.template', 'block', 'text', text('Kestrel', '{% raw %}')],
  ['leftover.undefined', 'block', 'html', inBody('<p>Ship undefined</p>')],
  ['leftover.nan', 'block', 'text', text('75%', 'NaN%')],
  ['leftover.object', 'block', 'html', inBody('<p>[object Object]</p>')],
  ['encoding', 'block', 'html', inBody('<p>caf\u0092</p>')],
  ['encoding', 'block', 'text', text('Kestrel', 'Kestr\ufffdl')],
  [
    'unsubscribe',
    'block',
    'html',
    html(/https:\/\/placeholder\.invalid\/unsubscribe/gu, 'https://verdicts.example'),
  ],
  ['unsubscribe', 'block', 'text', text('https://placeholder.invalid/unsubscribe', '')],
  [
    'preferences',
    'block',
    'html',
    html(/https:\/\/placeholder\.invalid\/preferences/gu, 'https://verdicts.example'),
  ],
  ['preferences', 'block', 'text', text('https://placeholder.invalid/preferences', '')],
  ['postal-address', 'block', 'html', html(/12 Harbour Street/gu, '')],
  ['postal-address', 'block', 'text', text('12 Harbour Street', '')],
  ['facts', 'block', 'html', html(/Pigment Study/gu, 'Pigment')],
  ['facts', 'block', 'text', text('Ship Almanac', '')],
  ['subject.line', 'block', 'subject', () => ({ subject: 'Ship Kestrel\r\nBcc: everyone@verdicts.example' })],
  ['subject.length', 'block', 'subject', () => ({ subject: 'x'.repeat(201) })],
  ['subject.length', 'block', 'subject', () => ({ subject: ' ' })],
  ['subject.length', 'warn', 'subject', () => ({ subject: 'Ship Kestrel' })],
  ['subject.length', 'warn', 'subject', () => ({ subject: 'x'.repeat(56) })],
  ['preheader.length', 'warn', 'preheader', () => ({ preheader: 'Short.' })],
  ['preheader.length', 'warn', 'preheader', () => ({ preheader: 'x'.repeat(91) })],
];

describe.each(TEMPLATES)('checks of %s', (template) => {
  const rendered = renderVariant(goldenIssue, template);

  it.each(rows.map(([id, level, where, breakIt], index) => ({ id, level, where, breakIt, index })))(
    '$id in $where is a $level ($index)',
    async ({ id, level, where, breakIt }) => {
      const variant = await rendered;
      const found = checks(goldenIssue, { ...variant, ...breakIt(variant) });
      expect(found.map((one) => `${one.id} ${one.level} ${one.where}`)).toContain(`${id} ${level} ${where}`);
      expect(found.every((one) => one.message !== '' && one.help !== '')).toBe(true);
    },
  );

  it('a missing postal address blocks, whatever was rendered', async () => {
    const content: IssueContent = {
      ...goldenIssue,
      newsletter: { ...goldenIssue.newsletter, postalAddress: ' ' },
    };
    expect(checks(content, await renderVariant(content, template))).toMatchObject([
      { id: 'postal-address', level: 'block', where: 'content' },
    ]);
  });

  it('a comparison without a valid link blocks', async () => {
    const content = { ...goldenIssue, lead: { ...goldenIssue.lead, url: 'ftp://verdicts.example/kestrel' } };
    expect(checks(content, await renderVariant(content, template))).toMatchObject([
      { id: 'content.links', level: 'block', where: 'content' },
    ]);
  });

  it('a quote that says "undefined" is only a warning', async () => {
    const [row] = goldenIssue.lead.lenses;
    if (!row) throw new Error('the golden lead has lenses');
    const lenses = [
      {
        ...row,
        sides: [{ call: null, quote: 'It returns undefined on Mondays.' }, null] as typeof row.sides,
      },
    ];
    const content = { ...goldenIssue, lead: { ...goldenIssue.lead, lenses } };
    const found = checks(content, await renderVariant(content, template));
    expect(found.map(({ id, level, where }) => `${id} ${level} ${where}`)).toEqual([
      'leftover.undefined warn html',
      'leftover.undefined warn text',
    ]);
  });
});
