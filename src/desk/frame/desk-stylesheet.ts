import { createHash } from 'node:crypto';
import { theme } from '../../../emails/theme.ts';
import { stylesheet } from '../../platform/http/pages/stylesheet.ts';

const { type, sideBySide, width, space } = theme;

/**
 * The desk adds styles for forms and lists to the sheet of the public pages; colours, type and marks are the same.
 */
export const deskStylesheet =
  stylesheet +
  [
    // Wide for tables and frames of mail; text and fields keep the width of a mail.
    `.page.desk{max-width:1072px}.desk main p,.desk label.field{max-width:${width}px}`,
    '.bar-top{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;column-gap:28px;margin-top:8px}',
    '.bar-top form{margin:0;display:flex;flex-wrap:wrap;align-items:baseline;column-gap:20px}',
    '.bar-top ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;column-gap:20px}',
    '.bar-top [aria-current]{color:inherit;font-weight:700;text-decoration:none}',

    // A button that looks like a word, for frequent actions; still high enough for a thumb.
    `button.word,summary.word{min-height:44px;padding:10px 0;border:0;background:transparent;color:var(--accent);font:400 ${type.meta}px/24px ${type.sans};`,
    'text-decoration:underline;text-underline-offset:2px;cursor:pointer;display:inline-block;list-style:none;text-align:left}',
    'summary.word::-webkit-details-marker{display:none}',
    'button.word:hover,summary.word:hover{text-decoration-thickness:2px}',
    'button[disabled]{opacity:1;color:var(--muted);border-color:var(--rule);background:transparent;cursor:default;text-decoration:none}',
    `a.button{display:inline-block;font:700 ${type.body}px/24px ${type.sans};min-height:48px;padding:10px 24px;border:2px solid var(--ink);background:var(--ink);color:var(--paper);text-decoration:none}`,
    'a.button.quiet{background:transparent;color:var(--ink)}a.button:hover{text-decoration:underline;text-underline-offset:3px}',
    '.doings{display:flex;flex-wrap:wrap;gap:12px 16px;margin-top:24px;align-items:center}.doings form{margin:0}.doings+.meta,h1+.stack{margin-top:12px}',

    // The notice that must be visible wherever the editor is typing.
    '#ended{position:sticky;top:0;z-index:1;background:var(--paper)}#ended .doings{margin-top:4px}html:has(#ended){scroll-padding-top:160px}',
    '.kept dd{white-space:pre-wrap;overflow-wrap:anywhere}',

    // Fields.
    'label.field{display:block;margin-top:18px}',
    '.field>span{display:flex;justify-content:space-between;column-gap:16px;font-weight:700}',
    `.field .count{font-weight:400;color:var(--muted);font-size:${type.meta}px}`,
    '.field .count.out{color:var(--accent);font-weight:700}',
    `input:not([type]),input[type=text],input[type=email],textarea,select{display:block;width:100%;margin-top:6px;padding:10px 12px;min-height:48px;`,
    `border:2px solid var(--ink);border-radius:0;background:transparent;color:inherit;font:400 ${type.body}px/24px ${type.sans}}`,
    `.desk .field textarea{font:400 ${type.body}px/24px ${type.sans}}`,
    'textarea{min-height:120px;resize:vertical}::placeholder{color:var(--muted);opacity:1}option{background:var(--paper);color:var(--ink)}',
    '.tick input[type=radio]{border-radius:50%}.tick input[type=radio]:checked{box-shadow:inset 0 0 0 4px var(--paper)}',
    '.two{display:grid;grid-template-columns:minmax(0,1fr);column-gap:48px}',
    `@media (min-width:${sideBySide * 2 - 140}px){.two{grid-template-columns:repeat(2,minmax(0,1fr))}.two>section{margin-top:44px}}`,

    // The ballot: one comparison a row, under a hairline.
    '.ballot{list-style:none;margin:8px 0 0;padding:0}',
    '.ballot>li{border-top:1px solid var(--rule);padding:16px 0 4px}',
    '.ballot>li.lead{border-top:3px solid}',
    '.ballot .part{border-top:0;padding:24px 0 6px;font-weight:700}.ballot .part:first-child{padding-top:8px}',
    '.ballot .marked+p{margin-top:6px}',
    '.ballot form{margin:2px 0 0;display:flex;flex-wrap:wrap;column-gap:16px;align-items:flex-start}',
    '.ballot details{flex:none;margin:0;border:0;padding:0}#saved{font-weight:400}.ballot details[open]{flex:1 1 100%}',
    '.ballot details[open] .quiet{margin:8px 0 12px}',
    '.ballot .grip{display:none}',
    '.drags .ballot li[draggable=true]{cursor:grab}.drags .ballot li.over{border-top:3px solid var(--accent)}.drags .ballot li.held{opacity:.4}',
    '.row{display:flex;flex-wrap:wrap;justify-content:space-between;column-gap:24px}.row>.marked{flex:1 1 280px}',
    '.row>.meta{line-height:26px}',
    '.aside{list-style:none;margin:12px 0 0;padding:0}.aside>li{border-top:1px solid var(--rule);padding:12px 0}.aside form{margin:0}.aside form.words{display:flex;flex-wrap:wrap;column-gap:16px}.aside .row{align-items:baseline}',

    // Changing numbers, facts about one thing, and charts.
    '.going{margin-top:24px}.going svg{display:block;background:var(--track);fill:var(--ink)}.going p{margin-top:8px}',
    `h3{margin:0;font:700 18px/26px ${type.serif}}`,
    '.choices form{margin-top:16px}',
    '.chart{display:block;margin-top:20px;fill:var(--muted)}.chart .line{fill:var(--ink)}.charted{row-gap:8px}',
    '.charted th+th,.charted td+td{text-align:right}.charted tr>:last-child{padding-right:0}',
    '.facts{margin:12px 0 0}.facts div{display:grid;grid-template-columns:minmax(0,1fr);column-gap:16px;border-top:1px solid var(--rule);padding:8px 0}',
    `.facts dt{color:var(--muted);font-size:${type.meta}px}.facts dd{margin:0}`,
    `@media (min-width:${sideBySide}px){.facts div{grid-template-columns:160px minmax(0,1fr)}}`,
    // Checks: a shape, a word, and the size of a mail.
    '.checks p+p{margin-top:4px}.checks details form{margin-top:4px}.sign{font-weight:700;margin-right:8px}.sign.stops{color:var(--accent)}',
    '.checked{margin-top:16px}.meter{display:block;margin-top:4px;background:var(--rule)}.meter rect{fill:var(--ink)}',

    // The log, and frames of mail.
    '.log td{padding:10px 16px 10px 0;font-size:14px;line-height:20px}.log td:first-child{width:auto;white-space:nowrap}',
    '.log tbody tr:first-child>*{padding-top:10px;padding-bottom:10px}.log thead th,.log tbody th{padding:10px 16px 10px 0}',
    `@media (max-width:${sideBySide - 1}px){.log td:first-child{white-space:normal}}`,
    // Our own words stay whole in a column; addresses, titles and reasons may break anywhere.
    '.log{overflow-wrap:normal}.log .any{overflow-wrap:anywhere;min-width:88px}',
    '.log+p,.log+form,section+p{margin-top:20px}h1.address{font-size:24px;line-height:32px}',
    'h1+.lit{margin-top:16px}.lit p+p{margin-top:4px}.lit{border-left:4px solid var(--accent);padding-left:16px}',
    '.numbers{margin:20px 0 0;padding:0;list-style:none;border-top:3px solid;display:grid;grid-template-columns:auto minmax(0,1fr)}',
    // Numbers are in one column with their labels beside; without subgrid, each number is directly before its label.
    '.numbers li{grid-column:1/-1;display:grid;grid-template-columns:auto minmax(0,1fr);grid-template-columns:subgrid;column-gap:12px;align-items:baseline;',
    'border-top:1px solid var(--rule);padding:10px 0}.numbers li:first-child{border-top:0}',
    `.numbers b{font:700 22px/28px ${type.serif};text-align:right}`,
    'form.inline{margin:0;display:flex;flex-wrap:wrap;align-items:center;column-gap:16px}.inline .field{flex:0 1 420px;margin:12px 0 0}.inline .doings{margin:12px 0 0;align-self:flex-end}.inline select{width:auto;max-width:100%;min-height:44px;margin:4px 0;padding:6px 10px}.views+*{margin-top:24px}',
    '.frames{display:flex;flex-wrap:wrap;gap:32px;margin-top:20px;align-items:flex-start}.frames figure{max-width:100%;overflow-x:auto}',
    '.frames figcaption{padding-bottom:8px}',
    '.frames iframe{display:block;border:1px solid var(--rule);height:900px;background:transparent}',
    'iframe.light{color-scheme:light}iframe.dark{color-scheme:dark}iframe.w375{width:377px}iframe.w600{width:602px}',
    // On a phone the frame takes the whole width.
    `@media (max-width:${sideBySide - 1}px){.frames{margin-left:-${space.gutterNarrow}px;margin-right:-${space.gutterNarrow}px}.frames figcaption{padding-left:${space.gutterNarrow}px}`,
    '.frames iframe{border-left:0;border-right:0}iframe.w375{width:375px}iframe.w600{width:600px}}',
    `.paper-text{margin:20px 0 0;padding:20px;border:1px solid var(--rule);font:400 14px/21px ui-monospace,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}`,
    '.views{margin:20px 0 0;padding:0;border-bottom:1px solid var(--rule)}.views div{display:flex;flex-wrap:wrap;align-items:baseline;column-gap:20px;border-top:1px solid var(--rule)}',
    '.views dt{flex:0 0 110px;color:var(--muted);font-size:14px}.views dd{margin:0}.views [aria-current]{color:inherit;font-weight:700;text-decoration:none}',
    `@media (max-width:${sideBySide - 1}px){.bar-top form .meta{flex-basis:100%}.views dt{flex-basis:100%;padding-top:8px}}`,
  ].join('');

export const deskStyleHash = `sha256-${createHash('sha256').update(deskStylesheet).digest('base64')}`;
