import { createHash } from 'node:crypto';
import { type Palette, theme } from '../../../../emails/theme.ts';
import { sizes } from './mark-sizes.ts';

/**
 * The one stylesheet of the pages, from the tokens of the mail: same colours, same widths, same marks. It is inlined in
 * every page and allowed by its hash.
 */

const { light, dark, type, space, width, sideBySide } = theme;
/** Two columns of about fifty characters; pixels. */
const wide = 880;
const { small, medium, large } = sizes;

/** A mark of one size: its box, and the line height of the text after it. */
const ballot = (
  row: string,
  { word, after, inner, height, width: box, border }: (typeof sizes)[keyof typeof sizes],
): string =>
  `${row} .mark{width:${box}px;height:${height}px;border:${border}px solid;font:700 ${word}px/${inner}px ${type.sans}}` +
  `${row} .mark.split::before{width:${Math.round(box / 3)}px;border-right:${border}px solid}` +
  `${row} .verdict{font:700 ${after}px/${height}px ${type.serif}}`;

const colours = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

export const stylesheet = [
  `:root{color-scheme:light dark;${colours(light)}}`,
  `@media (prefers-color-scheme:dark){:root{${colours(dark)}}}`,
  '*{box-sizing:border-box}',
  'html{-webkit-text-size-adjust:100%;text-size-adjust:100%}',
  `body{margin:0;background:var(--paper);color:var(--ink);font:${type.body}px/25px ${type.sans};`,
  'font-variant-numeric:tabular-nums;overflow-wrap:anywhere}',
  `.page{max-width:${width}px;margin:0 auto;padding:32px ${space.gutter}px 40px}`,
  `@media (max-width:${sideBySide - 1}px){.page{padding-left:${space.gutterNarrow}px;padding-right:${space.gutterNarrow}px}}`,

  // Headlines and text, sized as in the mail.
  `h1,h2,.serif{font-family:${type.serif};font-weight:700;margin:0}`,
  'h1{font-size:30px;line-height:36px;text-wrap:balance}',
  'h2{font-size:22px;line-height:28px;text-wrap:balance}.overline+h2{margin-top:4px;font-size:24px;line-height:30px}h2+p{margin-top:8px}',
  'p{margin:0}p+p{margin-top:12px}',
  `.meta{color:var(--muted);font-size:${type.meta}px;line-height:20px}`,
  `.lede{font-family:${type.serif};font-size:20px;line-height:30px}`,
  '.stack>*+*{margin-top:16px}',

  // Links are recognisable without colour, and large enough for a thumb.
  'a{color:var(--accent);text-underline-offset:2px}',
  'a:hover{text-decoration-thickness:2px}',
  '.tap{display:inline-block;padding:10px 0;line-height:24px}',
  ':focus-visible{outline:3px solid var(--accent);outline-offset:3px}',

  // Nameplate and footer between double rules, sections under a thick one.
  '.masthead{border-bottom:4px double;padding-bottom:14px}.masthead .meta{margin-top:4px}',
  `.name{margin:0;font:700 26px/32px ${type.serif}}.name a{color:inherit;text-decoration:none}`,
  '.name a:hover{text-decoration:underline}',
  'main{padding-top:28px}',
  `section{margin-top:${space.section}px;border-top:3px solid;padding-top:14px}`,
  `.overline{color:var(--accent);font-size:${type.meta}px;line-height:20px;font-weight:700}`,
  '.headline{color:inherit;text-decoration:none}.headline:hover{text-decoration:underline}',
  `footer{margin-top:${space.section}px;border-top:4px double;padding-top:10px}`,
  'footer ul{list-style:none;margin:0 0 8px;padding:0;display:flex;flex-wrap:wrap;column-gap:24px}',
  `footer li a{font-size:${type.body}px}`,

  // The ballot: marks, and their table.
  '.mark{display:flex;text-align:center}.mark b{flex:1}',
  '.mark.ship b{background:var(--ink);color:var(--paper)}',
  '.mark.skip b{font-weight:400}',
  ".mark.split::before{content:'';flex:none;background:var(--ink)}",
  ballot('tr', small),
  ballot('tr:first-child', medium),
  'table{border-collapse:collapse;width:100%;margin-top:20px}',
  `caption{padding-bottom:8px;line-height:24px;font-weight:700;text-align:left}`,
  `thead th{padding:0 0 6px;color:var(--muted);font-size:${type.meta}px;line-height:20px;font-weight:400;text-align:left}`,
  'tbody td,tbody th{border-top:1px solid var(--rule);padding:12px 0;vertical-align:top;font-weight:400;text-align:left}',
  'thead th:nth-child(2),tbody th{padding-left:12px;padding-right:12px}',
  'tbody tr:first-child>*{padding-top:16px;padding-bottom:16px}',
  `td:first-child{width:${medium.width}px}`,
  '.verdict,.verdict+.meta{display:block}',
  `thead th.price,td.price{text-align:right}td.price{font-size:${type.meta}px;line-height:20px}`,
  'tbody td.price{padding-top:15px}tbody tr:first-child td.price{padding-top:19px}',

  // One entry of a list, under a hairline.
  '.entries{list-style:none;margin:20px 0 0;padding:0;border-top:3px solid}',
  '.entries li{border-top:1px solid var(--rule);padding:16px 0}',
  '.entries li:first-child{border-top:0;padding-top:14px}',
  '.entries h2{font-size:20px;line-height:26px;margin-top:2px}.entries h2+p{margin-top:4px}',

  // A comparison: the outcome first, then two tools side by side when there is room.
  `.page.wide{max-width:${wide}px}`,
  '.marked{display:flex;align-items:flex-start}.marked>.verdict{min-width:0}.marked .mark{flex:none}',
  `${ballot('.marked.large', large)}.marked.large{column-gap:${large.gap}px;margin-top:20px}`,
  `${ballot('.marked.small', small)}.marked.small{column-gap:${small.gap}px}`,
  `.marked.small .verdict{font-size:${small.after + 2}px}`,
  `@media (max-width:${sideBySide - 1}px){.marked.large{flex-wrap:wrap;row-gap:8px}.marked.large .verdict{font-size:28px;line-height:34px}}`,
  '.because{margin-top:16px;font-size:18px;line-height:27px}.because+.meta{margin-top:12px}',
  `.pair{display:grid;grid-template-columns:minmax(0,1fr);gap:${space.gap}px}`,
  `@media (min-width:${sideBySide}px){.pair{grid-template-columns:repeat(2,minmax(0,1fr));column-gap:${space.gap + 8}px}}`,
  '.tools{margin-top:36px}',
  '.tool{border-top:1px solid var(--rule);padding-top:15px}.tool.picked{border-top:4px solid;padding-top:12px}',
  '.overline+h1{margin-top:4px}.tool h2{margin-top:6px;font-size:inherit;line-height:inherit}.tool .tagline{margin-top:10px;font-weight:700}',
  '.figures{margin:14px 0 18px}.figures div{display:grid;grid-template-columns:1fr auto;column-gap:12px;align-items:baseline;padding:7px 0 5px}',
  `.figures dt{color:var(--muted);font-size:${type.meta}px;line-height:20px}`,
  '.figures dd{margin:0;font-weight:700;line-height:20px;text-align:right}',
  '.figures .bar{grid-column:1/-1;height:6px;margin-top:6px;background:var(--track)}.bar svg{display:block;width:100%;height:6px;fill:var(--muted)}',
  '.votes,.row{display:flex;flex-wrap:wrap;align-items:center;gap:12px;margin-top:18px}.votes form,.votes p,.row form{margin:0}',
  '.lens{border-top:1px solid var(--rule);margin-top:20px;padding-top:12px}',
  `.lens h3{margin:0 0 8px;font:700 18px/26px ${type.serif}}`,
  'figure{margin:0}',
  `figcaption{font-size:${type.meta}px;line-height:22px;font-weight:700}`,
  `blockquote{margin:6px 0 0;font-family:${type.serif}}`,
  '.call{display:inline-block;border:1px solid;padding:0 6px;margin-right:4px;font-weight:400}',
  '.call.ship{background:var(--ink);border-color:var(--ink);color:var(--paper);font-weight:700}',
  '.changes{margin:12px 0 0;padding-left:20px}.changes li+li{margin-top:6px}',
  '.topics{list-style:none;margin:8px 0 0;padding:0;display:flex;flex-wrap:wrap;column-gap:20px}',
  '.topics [aria-current]{color:inherit;font-weight:700;text-decoration:none}',
  '.entries .marked{margin-top:8px}.entries .marked+p{margin-top:8px}',

  // A filled button is the main action, an outlined one the other: the same style as the marks of verdicts.
  `button{font:700 ${type.body}px/24px ${type.sans};min-height:48px;padding:10px 24px;border:2px solid var(--ink);`,
  'border-radius:0;background:var(--ink);color:var(--paper);cursor:pointer}',
  'button.quiet{background:transparent;color:var(--ink)}',
  'button:hover{text-decoration:underline;text-underline-offset:3px}',
  'form{margin-top:20px}',
  'fieldset{border:0;margin:0 0 20px;padding:0;min-width:0}',
  'legend{padding:0 0 8px;font-weight:700}',
  '.tick{display:flex;align-items:flex-start;gap:14px;padding:12px 0;border-top:1px solid var(--rule);line-height:24px;cursor:pointer}',
  '.tick:last-of-type{border-bottom:1px solid var(--rule)}',
  '.tick input{appearance:none;flex:none;width:22px;height:22px;margin:1px 0;border:2px solid var(--ink);border-radius:0;',
  'background:transparent;cursor:pointer}',
  '.tick input:checked{background:var(--ink);box-shadow:inset 0 0 0 3px var(--paper)}',
  '.field{margin:0 0 20px}.field label{display:block;padding:10px 0;line-height:24px;font-weight:700}',
  `.field input{width:100%;min-height:48px;padding:10px 12px;border:2px solid var(--ink);border-radius:0;font:${type.body}px/24px ${type.sans};`,
  'background:transparent;color:var(--ink)}.field input[aria-invalid]{border-color:var(--accent)}',
  '.field .problem{margin-top:8px;color:var(--accent);font-weight:700}',
  '@media (forced-colors:active){.tick input{appearance:auto}.mark,.call,.bar{forced-color-adjust:none}}',
  '.after{margin-top:20px}',

  // Sign-up: one text field, one button.
  '.sign-up>p{margin-top:8px}',
  `.field{display:block;font-weight:700}.field input{display:block;width:100%;margin-top:8px;min-height:48px;padding:10px 12px;font:400 ${type.body}px/24px ${type.sans};`,
  'border:2px solid var(--ink);border-radius:0;background:transparent;color:var(--ink)}',
  '.field+button,details+button,.puzzle+script+button{margin-top:16px}.field input[aria-invalid]{border-width:4px;padding:8px 10px}',
  '.fault{margin-top:8px;font-weight:700}',
  '.elsewhere{position:absolute;left:-9999px;width:1px;height:1px;opacity:0}',
  'details{margin-top:12px}summary{padding:10px 0;line-height:24px;cursor:pointer}details fieldset{margin:4px 0 0}',
  // The form for other sites, and the page with its code.
  '[role=alert]:not(.notice,.fault),[role=status]:not(.notice){margin-top:8px;font-weight:700}[role=status] button{margin-top:8px}',
  '.field select,.field textarea{display:block;width:100%;margin-top:8px;padding:10px 12px;border:2px solid var(--ink);border-radius:0;background:var(--paper);color:var(--ink)}',
  `.field select{min-height:48px;font:400 ${type.body}px/24px ${type.sans}}`,
  `.field textarea{font:400 ${type.meta}px/20px ui-monospace,Consolas,monospace;resize:vertical}`,
  '.preview{display:block;width:100%;height:420px;margin-top:24px;border:1px solid var(--rule)}',
  '.puzzle{margin-top:16px;min-height:65px}',
  '.notice ul{margin:8px 0 0;padding-left:20px}',
  '.notice{border:2px solid var(--ink);padding:12px 16px;margin-bottom:24px}',
].join('');

/** For `style-src`: this stylesheet and no other. */
export const styleHash = `sha256-${createHash('sha256').update(stylesheet).digest('base64')}`;
