import { load } from 'cheerio';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { theme } from '../../emails/theme.ts';
import { contrastRatio } from '../../src/platform/contrast-ratio.ts';
import { checks } from '../../src/render/checks.ts';
import { unreadableText } from '../../src/render/contrast.ts';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';
import { hostileIssue } from '../fixtures/hostile-issue.ts';

const faint = (body: string, css = '') =>
  unreadableText(
    load(`<head><style>${css}</style></head><body style="color:#111;background:#fff">${body}</body>`),
  );
const dark = (css: string) => `@media (prefers-color-scheme: dark){${css}}`;
const PAGE = dark('body{color:#eee!important;background-color:#111!important}');

describe('the contrast of text and background', () => {
  it.each<[string, string, string, number]>([
    ['grey on white', '<p style="color:#777">Ship it</p>', '', 2],
    ['grey that is dark enough', '<p style="color:#767676">Ship it</p>', PAGE.replace('body', '*'), 0],
    ['a colour of the element around', '<div style="color:#999"><p>Ship it</p></div>', '', 2],
    [
      'a ground of the element around',
      '<table><tr><td bgcolor="#222222"><p>Ship it</p></td></tr></table>',
      '',
      2,
    ],
    ['large letters', '<p style="color:#888;font-size:24px">Ship it</p>', '', 0],
    [
      'letters that are bold and nearly as large',
      '<p style="color:#888;font-size:20px;font-weight:700">Ship</p>',
      '',
      0,
    ],
    ['a heading, which is bold', '<h2 style="color:#888;font-size:20px">Ship it</h2>', '', 0],
    ['letters of the same size that are not', '<p style="color:#888;font-size:20px">Ship it</p>', '', 2],
    ['what nobody sees', '<p style="display:none;color:#fff">Ship it</p>', '', 0],
    ['signs without a word', '<p style="color:#fff">· |</p>', '', 0],
    ['a colour that is no plain one', '<p style="color:oklch(90% 0 0)">Ship it</p>', '', 0],
    ['a ground that is an image', '<p style="color:#fff;background:url(a.png)">Ship it</p>', '', 0],
    ['a rule of the style block', '<p class="a">Ship it</p>', '.a{color:#ccc}', 2],
    [
      'a rule that an inline style is stronger than',
      '<p class="a" style="color:#222">Ship it</p>',
      '.a{color:#ccc}',
      0,
    ],
    ['ink that stays dark in the dark', '<p style="color:#222">Ship it</p>', PAGE, 1],
    [
      'ink that follows',
      '<p class="a" style="color:#222">Ship it</p>',
      PAGE + dark('.a{color:#ddd!important}'),
      0,
    ],
    [
      'the stronger of two rules',
      '<p class="a">Ship it</p>',
      PAGE + dark('body .a{color:#ddd!important}.a{color:#222!important}'),
      0,
    ],
    ['a selector that nobody can read', '<p>Ship it</p>', 'p:::{color:#fff}', 0],
  ])('%s', (_, body, css, count) => {
    expect(faint(body, css)).toHaveLength(count);
  });

  it('is reported once for each pair of colours, with the ratio and the required one', () => {
    const twice = '<p style="color:#777">Ship it</p><p style="color:#777">Skip it</p>';
    expect(faint(twice, PAGE)).toEqual([
      'In light, "Ship it" is 4.47:1, #777777 on #ffffff, where 4.5:1 is needed.',
      'In dark, "Ship it" is 4.21:1, #777777 on #111111, where 4.5:1 is needed.',
    ]);
  });

  it.each(TEMPLATES)('of %s is sufficient in light and in dark mode, for any content', async (template) => {
    for (const content of [goldenIssue, hostileIssue()]) {
      const { html } = await renderVariant(content, template);
      expect(unreadableText(load(html))).toEqual([]);
    }
  });

  it.each(TEMPLATES)('of %s would be reported if one colour were worse', async (template) => {
    const variant = await renderVariant(goldenIssue, template);
    for (const [scheme, { muted, track }] of Object.entries({ light: theme.light, dark: theme.dark })) {
      const html = variant.html.replaceAll(muted, track);
      const found = checks(goldenIssue, { ...variant, html }).filter(({ id }) => id === 'a11y.contrast');
      expect(found[0]).toMatchObject({ level: 'block', message: expect.stringContaining(`In ${scheme}, `) });
    }
  });

  it('is symmetric, and between 1 and 21', () => {
    const colour = fc
      .integer({ min: 0, max: 0xffffff })
      .map((each) => `#${each.toString(16).padStart(6, '0')}`);
    fc.assert(
      fc.property(colour, colour, (a, b) => {
        expect(contrastRatio(a, b)).toBe(contrastRatio(b, a));
        expect(contrastRatio(a, b)).toBeGreaterThanOrEqual(1);
        expect(contrastRatio(a, b)).toBeLessThanOrEqual(21.000001);
        expect(contrastRatio(a, a)).toBe(1);
      }),
    );
    expect(contrastRatio('#000000', '#ffffff')).toBeCloseTo(21);
  });
});
