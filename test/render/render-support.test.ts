import { load } from 'cheerio';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checks } from '../../src/render/checks.ts';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { GAPS, missingSupport, styled } from '../../src/render/support.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';
import { hostileIssue } from '../fixtures/hostile-issue.ts';

const found = (html: string): Record<string, string> => {
  const mail = styled(load(`<body><h1>Verdicts</h1>${html}</body>`));
  return Object.fromEntries(GAPS.flatMap((gap) => missingSupport(gap, mail).map((said) => [gap.id, said])));
};
const idsIn = (html: string): string[] => Object.keys(found(html));

const box = (style: string, tag = 'div', more = '') =>
  `<${tag} style='${style}' ${more}>Ship Kestrel</${tag}>`;
const block = (css: string) => `<style>${css}</style><p class="a">Ship Kestrel</p>`;

/** One feature in each row: the finding that it must cause, and the same with a fallback, which must cause none. */
const ROWS: [id: string, used: string, caredFor: string][] = [
  ['support.flex', box('display:flex'), box('display:block;display:flex')],
  ['support.flex', box('display: INLINE-GRID !important'), box('display:table')],
  ['support.flex', block('.a{display:flex}'), block('@media (min-width:480px){.a{display:flex}}')],
  ['support.position', box('position:relative;top:2px'), box('position:static')],
  ['support.float', box('float:right', 'table'), box('float:right', 'table', 'align="right"')],
  ['support.width', box('max-width:600px'), box('max-width:600px', 'table')],
  [
    'support.width',
    box('max-width:600px'),
    `<!--[if mso]><table width="600"><tr><td><![endif]-->${box('max-width:600px')}`,
  ],
  ['support.width', '<img style="max-width:100%">', '<img style="max-width:100%" width="560">'],
  [
    'support.padding',
    box('background:#111;padding:12px 24px', 'a'),
    box('background:#111;padding:12px 24px;mso-padding-alt:12px', 'a'),
  ],
  ['support.padding', box('background-color:#111;padding-left:12px', 'span'), box('padding:12px', 'p')],
  ['support.padding', box('background:#111;padding:12px', 'a'), box('background:#111;padding:12px', 'td')],
  ['support.corners', box('border-radius:6px'), box('border-radius:0')],
  [
    'support.background',
    box('background:linear-gradient(#fff,#eee)'),
    box('background:#eee;background:linear-gradient(#fff,#eee)'),
  ],
  [
    'support.background',
    box('background-image:url("a;b.png")'),
    box('background-color:#eee;background-image:url(a.png)'),
  ],
  ['support.opacity', box('opacity:.6'), box('opacity:1')],
  ['support.motion', box('transform:rotate(3deg)'), box('transform:none')],
  ['support.variable', box('color:var(--ink)'), box('color:#111;color:var(--ink)')],
  ['support.sum', box('width:calc(100% - 20px)'), box('width:560px;width:calc(100% - 20px)')],
  ['support.colour', box('color:oklch(40% 0.1 30)'), box('color:#9a2f1b;color:oklch(40% 0.1 30)')],
  ['support.colour', box('color:rgb(0 0 0 / 50%)'), box('color:#777;color:rgb(0 0 0 / 50%)')],
  ['support.unit', box('font-size:1.25rem'), box('font-size:20px;font-size:1.25rem')],
  ['support.unit', box('margin:0 .5vw'), box('margin:0 5px 1em;color:#5c1ch0')],
  ['support.nesting', block('.a{color:#111;.b{color:#222}}'), block('.a{color:#111}.b{color:#222}')],
  ['support.nesting', block('.a{&:hover{color:#222}}'), block('@media print{.a{color:#222}}')],
  [
    'support.picture',
    '<picture><source srcset="https://a.example/a.png"></picture>',
    '<picture><img alt="" src="https://a.example/a.png"></picture>',
  ],
  [
    'support.media',
    '<video src="https://a.example/a.mp4"></video>',
    '<video><a href="https://a.example">Watch it</a></video>',
  ],
  ['support.webp', '<img src="https://a.example/a.WEBP?w=2">', '<img src="https://a.example/webp.png">'],
  ['support.svg', '<img src="https://a.example/a.svg">', '<img src="https://a.example/svg/a.png">'],
  ['support.data', '<img src="data:image/png;base64,AAAA">', '<img src="https://a.example/data:a.png">'],
];

describe('features that mail clients do not support', () => {
  it.each(ROWS)('are found: %s in %s, and not in %s', (id, used, caredFor) => {
    expect(idsIn(used)).toEqual([id]);
    expect(idsIn(caredFor)).toEqual([]);
  });

  it('each have a row here', () => {
    expect(new Set(ROWS.map(([id]) => id))).toEqual(new Set(GAPS.map(({ id }) => id)));
  });

  it('are reported with client, feature, place and count', () => {
    expect(found(box('display:flex') + box('display:grid') + block('.row{display:flex}'))).toEqual({
      'support.flex':
        'classic Outlook does not know display: flex or grid on the <div> of "Ship Kestrel", and 2 more times.',
    });
    expect(found('<picture></picture>')['support.picture']).toBe(
      'Gmail, classic Outlook, and Yahoo do not know a picture element on an empty <picture>.',
    );
  });

  it('are ignored in hidden elements and in Outlook’s conditional comments', () => {
    const hidden = box('display:none;max-height:0;opacity:0');
    const within = `<div style="display:none">${box('display:flex')}</div>`;
    const vml = `<!--[if mso]>${box('position:absolute')}<![endif]-->`;
    expect(idsIn(hidden + within + vml)).toEqual([]);
  });

  it.each(TEMPLATES)('are not used by %s, for any content', async (template) => {
    for (const content of [goldenIssue, hostileIssue()]) {
      const ids = checks(content, await renderVariant(content, template)).map(({ id }) => id);
      expect(ids.filter((id) => id.startsWith('support.'))).toEqual([]);
    }
  });

  it('are a warning, with help', async () => {
    const variant = await renderVariant(goldenIssue, 'react:digest');
    const html = variant.html.replace('</h1>', `</h1>${box('display:flex')}`);
    expect(checks(goldenIssue, { ...variant, html })).toMatchObject([
      { id: 'support.flex', level: 'warn', where: 'html', help: 'Put columns into the cells of a table.' },
    ]);
  });

  it('are found anywhere, once, and no other is', () => {
    const plain = fc.constantFrom(
      ...[
        'color:#111',
        'font-size:16px',
        'margin:0 0 1em',
        'display:block',
        'width:100%',
        'padding-top:12px',
      ],
      ...['border-top:1px solid #d8d2c5', 'text-align:left', '-webkit-text-size-adjust:100%', ''],
    );
    const paragraphs = fc.array(fc.array(plain).map((all) => box(all.join(';'), 'p')));
    fc.assert(
      fc.property(paragraphs, fc.constantFrom(...ROWS), paragraphs, (before, [id, used, caredFor], after) => {
        expect(idsIn([...before, used, ...after].join(''))).toEqual([id]);
        expect(idsIn([...before, caredFor, ...after].join(''))).toEqual([]);
      }),
    );
  });

  it('are searched in any markup without an error', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '{',
        '}',
        ';',
        ':',
        '"',
        "'",
        '(',
        ')',
        '/*',
        '*/',
        '@media',
        'display:flex',
        '<style>',
        '</style>',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        idsIn(text);
        idsIn(block(text));
        const $ = load('<p>x</p>');
        $('p').attr('style', text);
        expect(() => GAPS.map((gap) => missingSupport(gap, styled($)))).not.toThrow();
      }),
    );
  });
});
