import { type Palette, theme } from './theme.ts';

/**
 * The rules of every mail, printed by both engines with the same classes. Names are short, because a class is
 * repeated often. A client that drops the blocks shows the mail with its own headings, paragraphs and links: type,
 * columns and the borders of marks are inline.
 *
 * | class | of |
 * |---|---|
 * | p | the paper: body or its wrapper |
 * | g, x | the gutter around the text, and what MJML puts around it |
 * | u | the masthead line |
 * | m, o, l | muted text, an overline, a link or other text in the accent |
 * | k, f | a mark, and the fill of *Ship* |
 * | s | text in the serif |
 * | h | the lead's verdict |
 * | w | a row that is one link |
 * | v | a link as high as a thumb |
 * | z, e, y | the rule above a section, above an entry, and the double rule |
 * | q | a quote |
 * | c | a column |
 * | b | a bar |
 */

const { type, space, light, sideBySide } = theme;

/** Colours by class. The wrappers of both engines copy the background but not the class, hence the child selectors. */
const palette = (colours: Palette): [selectors: string[], declarations: string][] => [
  [['.p', '.p>div', '.p>table>tbody>tr>td'], `background-color:${colours.paper}!important`],
  [['.p', '.p table', '.p div', '.w a'], `color:${colours.ink}!important`],
  [['.p .m'], `color:${colours.muted}!important`],
  [['.l', '.o', '.v'], `color:${colours.accent}!important`],
  [['.f'], `background-color:${colours.ink}!important;color:${colours.paper}!important`],
  [['.w', '.e'], `border-color:${colours.rule}!important`],
  [['.b'], `border-color:${colours.muted}!important`],
];

const print = (rules: ReturnType<typeof palette>, prefix = ''): string =>
  rules
    .map(([selectors, body]) => `${selectors.map((one) => `${prefix}${one}`).join(',')}{${body}}`)
    .join('');

/** The visual design, which needs no media query. Margins rather than padding on blocks: Word drops padding of them. */
export const styleSheet = [
  ':root{color-scheme:light dark;supported-color-schemes:light dark}',
  'body{margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}',
  // Word does not inherit a font into nested tables.
  `table,td{font-family:${type.sans}}`,
  'table{border-collapse:collapse;mso-table-lspace:0;mso-table-rspace:0}',
  `h2,h3,h4,.s,.q{font-family:${type.serif}}`,
  'h1,h2,h3,h4,p{margin:0}h2,h3,h4{line-height:1.25}',
  'h2{font-size:22px}h3{font-size:19px}h4{font-size:17px}p{margin-top:8px}',
  `.u,.m,.o{font-size:${type.meta}px;line-height:1.45}`,
  `.m{color:${light.muted}}.l,.o,.v{color:${light.accent}}.o{font-weight:700}`,
  `.k{font-family:${type.sans};font-size:90%;white-space:nowrap}`,
  `.f{background-color:${light.ink};color:${light.paper}}`,
  '.h{font-size:30px;margin-top:4px}.s{font-size:18px;line-height:1.4;font-weight:700}.v+.z{margin-top:18px}.v+.z h2{margin-top:10px}',
  `.w{margin:0;line-height:1.3;border-top:1px solid ${light.rule}}.w a{display:block;padding:9px 0;color:${light.ink};text-decoration:none}`,
  '.v{display:inline-block;padding:10px 0;line-height:1.5}',
  `.z{margin-top:36px;border-top:3px solid}.z h2{margin:14px 0 10px}`,
  `.e{margin-top:20px;border-top:1px solid ${light.rule}}.z h2+.e{margin:0;border:0}.e h3,.e .o{margin-top:14px}.e .o+h3,.e .o+h2{margin-top:2px}`,
  '.y{border-top:4px double}.q{font-style:italic}.c{vertical-align:top}.c h3,.c h4{margin-top:14px}',
  `.b{border-top:6px solid ${light.muted};height:0}`,
  // Links that Apple Mail makes of dates and numbers stay plain text.
  'a[x-apple-data-detectors]{color:inherit!important;text-decoration:none!important}',
].join('');

/**
 * What only some clients can do: full columns on a phone, and the dark colours. In a block of its own: a client that
 * does not know something in it drops the block, and the rest stays.
 */
export const mediaStyleSheet = [
  `@media (max-width:${sideBySide - 1}px){`,
  `.g,.x>table>tbody>tr>td{padding:16px ${space.gutterNarrow}px 32px!important}`,
  '.c{max-width:100%!important;margin:0!important}',
  '}',
  `@media (min-width:${sideBySide}px){.c{width:47%!important;max-width:none!important;margin:0 2.9% 0 0!important}}`,
  `@media (prefers-color-scheme:dark){${print(palette(theme.dark))}}`,
].join('');

/** Outlook's own dark mode marks changed elements with these attributes. Gmail drops the block that has them. */
export const outlookStyleSheet = print(palette(theme.dark), '[data-ogsc] ');
