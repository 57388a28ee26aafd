import { type Palette, theme } from './theme.ts';

/**
 * The few rules that cannot be inlined: stacking on narrow screens and the dark colours. Both engines print them,
 * with the same classes; everything else is inline, because several clients drop the whole block.
 */

/** Colours by class. The wrapper cell of `<Body>` copies the background but not the class, hence the child selector. */
const palette = (colours: Palette): [selectors: string[], declarations: string][] => [
  [
    ['.paper', '.paper>table>tbody>tr>td'],
    `background-color:${colours.paper}!important;color:${colours.ink}!important`,
  ],
  [['.muted'], `color:${colours.muted}!important`],
  [['.link'], `color:${colours.accent}!important`],
  [['.fill'], `background-color:${colours.ink}!important;color:${colours.paper}!important`],
  [['.rule'], `border-color:${colours.rule}!important`],
  [['.track'], `background-color:${colours.track}!important`],
  [['.bar'], `background-color:${colours.muted}!important`],
];

const print = (rules: ReturnType<typeof palette>, prefix = ''): string =>
  rules
    .map(([selectors, body]) => `${selectors.map((one) => `${prefix}${one}`).join(',')}{${body}}`)
    .join('');

const narrow = theme.sideBySide - 1;

/** Reset, stacking below 480 px, and `prefers-color-scheme` for clients that support it. */
export const styleSheet = [
  ':root{color-scheme:light dark;supported-color-schemes:light dark}',
  'body{margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}',
  // Word does not inherit a font into nested tables.
  `table,td,th,p,a{font-family:${theme.type.sans}}`,
  'table{border-collapse:collapse;mso-table-lspace:0;mso-table-rspace:0}',
  `h1,h2,h3,.serif{font-family:${theme.type.serif}!important}`,
  `@media (max-width:${narrow}px){`,
  `.gutter{padding-left:${theme.space.gutterNarrow}px!important;padding-right:${theme.space.gutterNarrow}px!important}`,
  '.col{display:block!important;width:auto!important;padding-left:0!important;padding-right:0!important}',
  '.next{padding-top:24px!important}',
  '}',
  `@media (prefers-color-scheme:dark){${print(palette(theme.dark))}}`,
].join('');

/**
 * Outlook's own dark mode marks changed elements with these attributes. In a block of its own: Gmail drops a whole
 * block because of one selector that it does not know.
 */
export const outlookStyleSheet = print(palette(theme.dark), '[data-ogsc] ');
