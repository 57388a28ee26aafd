import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEmbedTheme, themeQuery, themeSheet } from '../../src/subscribers/sign-up/embed-theme.ts';

describe('the theme of a form on another site', () => {
  test('takes colours that are readable on each other', () => {
    const theme = readEmbedTheme({ scheme: 'dark', paper: '#101418', ink: 'F4F4F4', accent: 'ffb000' });
    expect(theme).toEqual({
      scheme: 'dark',
      colours: { paper: '#101418', ink: '#f4f4f4', accent: '#ffb000' },
    });
    expect(themeQuery(theme)).toBe('?scheme=dark&paper=101418&ink=f4f4f4&accent=ffb000');
    expect(themeSheet(theme).css).toContain('color-scheme:dark;--paper:#101418;--ink:#f4f4f4;');
  });

  test.each([
    ['one on itself', { paper: 'ffffff', ink: 'ffffff' }, {}],
    ['an accent that fades', { accent: 'ffff00', scheme: 'light' }, {}],
    [
      'an accent that fades, beside a pair that does not',
      { paper: '000000', ink: 'ffffff', accent: '111111' },
      {},
    ],
    ['a pair without an accent to see', { paper: '000000', ink: 'ffffff', accent: 'ffb000' }, undefined],
    ['one colour that suits only one of our schemes', { ink: '000000' }, {}],
  ])('drops %s', (_, query, colours) => {
    const read = readEmbedTheme(query).colours;
    if (colours === undefined) expect(Object.keys(read)).toEqual(['paper', 'ink', 'accent']);
    else expect(read).toEqual(colours);
  });

  test('contains nothing but colours, whatever the query contains', () => {
    const value = fc.oneof(
      fc.string(),
      fc.array(fc.string()),
      fc.constantFrom(
        'ffffff',
        '#000000',
        'red;}body{display:none',
        '</style><script>',
        'url(x)',
        '000000\n',
      ),
    );
    const query = fc.record({ scheme: value, paper: value, ink: value, accent: value, other: value });
    fc.assert(
      fc.property(query, (given) => {
        const theme = readEmbedTheme(given);
        expect(themeSheet(theme).css).toMatch(
          /^:root:root\{(?:color-scheme:(?:light|dark))?(?:;?--[a-z]+:#[\da-f]{6})*\}\.page\{[^<>]*$/,
        );
        expect(themeQuery(theme)).toMatch(/^(?:\?[\w=&]+)?$/);
      }),
    );
  });
});
