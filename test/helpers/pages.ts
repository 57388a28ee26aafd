import type { Comparison, Tool } from '../../src/comparisons/model.ts';

/** Ways in which a site may print a comparison: the seed's text, and HTML of several different structures. */

export interface TextStyle {
  marks?: readonly [string, string];
  /** Print "The Builder" and "Ship" around the quotes. */
  labels?: 'none' | 'pair' | 'each';
  figures?: 'value-first' | 'label-first' | 'one-line';
}

export function asText({ tools }: Comparison, style: TextStyle = {}): string[] {
  const [open, close] = style.marks ?? ['“', '”'];
  const [a, b] = tools;
  return [
    'AI tool comparison',
    `${a.name} vs ${b.name}`,
    'Which one should you ship with? Here is the side-by-side read.',
    ...toolLines(a, style),
    ...toolLines(b, style),
    'Reviewer scorecard',
    ...rows(tools).flatMap(([left, right]) => {
      const lens = left.lens.charAt(0).toUpperCase() + left.lens.slice(1);
      const quote = (text: string) => `${open}${text}${close}`;
      if (style.labels === 'pair') return [`The ${lens}`, quote(left.quote), quote(right.quote)];
      if (style.labels === 'each') {
        return [left, right].flatMap((review) => [
          `${lens} ${review.call ?? ''}`.trim(),
          quote(review.quote),
        ]);
      }
      return [quote(left.quote), quote(right.quote)];
    }),
    'Weekly AI Tool Verdicts',
    'Get the next comparison in your inbox',
    'New AI tools ship daily.',
  ];
}

function rows([a, b]: Comparison['tools']) {
  return a.reviews.flatMap((left, index) => {
    const right = b.reviews[index];
    return right ? [[left, right] as const] : [];
  });
}

const readers = (tool: Tool) => (tool.communityShip === null ? '—' : `${tool.communityShip}%`);

function toolLines(tool: Tool, { figures }: TextStyle): string[] {
  const values = [`${tool.panelShip}%`, readers(tool), tool.entryPrice] as const;
  const block =
    figures === 'label-first'
      ? [`Panel ship: ${values[0]}`, `Community: ${values[1]}`, `Entry: ${values[2]}`]
      : figures === 'one-line'
        ? [`${values[0]} Panel ship ${values[1]} Community ${values[2]} Entry`]
        : [values[0], 'Panel ship', values[1], 'Community', values[2], 'Entry'];
  return [tool.category, tool.name, tool.tagline, ...block, tool.description];
}

/** Wraps each line at a width, as a mail client or an editor does. */
export function reflow(lines: readonly string[], width: number, indent = ''): string[] {
  return lines.flatMap((line) => {
    const wrapped: string[] = [];
    let current = '';
    for (const word of line.split(' ')) {
      if (current && `${indent}${current} ${word}`.length > width) {
        wrapped.push(indent + current);
        current = word;
      } else current = current ? `${current} ${word}` : word;
    }
    return [...wrapped, indent + current];
  });
}

const escaped = (text: string) =>
  text
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/>/gu, '&gt;')
    .replace(/é/gu, '&eacute;')
    .replace(/’/gu, '&#8217;')
    .replace(/—/gu, '&mdash;');

/** Soft hyphens and hard spaces as typesetting scripts insert them. */
const typeset = (text: string) =>
  escaped(text)
    .replace(/tea(?=ms)/gu, 'tea&shy;')
    .replace(/ a /gu, ' a&nbsp;');

export const HTML_LAYOUTS: Record<string, (comparison: Comparison) => string> = {
  /** Sections and headings, block quotes without marks, a footer and a script. */
  article: ({ tools, url }) => `<!doctype html>
<html lang="en"><head><title>${escaped(tools[0].name)} vs ${escaped(tools[1].name)}</title>
<link rel="canonical" href="${url}"><style>.x{color:red}</style></head>
<body><nav><a href="/">Home</a> <a href="/compare">All vs all</a></nav>
<main><p>AI tool comparison</p>
<h1>${typeset(tools[0].name)} vs ${typeset(tools[1].name)}</h1>
<p>Which one should you
  ship with?</p>
${tools
  .map(
    (tool) => `<section><p class="kicker">${escaped(tool.category)}</p><h2>${typeset(tool.name)}</h2>
  <p><em>${typeset(tool.tagline)}</em></p>
  <ul><li><b>${tool.panelShip}%</b><span>Panel ship</span></li><li><b>${readers(tool)}</b><span>Community</span></li>
  <li><b>${escaped(tool.entryPrice)}</b><span>Entry</span></li></ul>
  <p>${typeset(tool.description).replace(/ /u, '\n      ')}</p><button>Vote ship</button></section>`,
  )
  .join('\n')}
<h2>Reviewer scorecard</h2>
${rows(tools)
  .map((row) => row.map((review) => `<blockquote><p>${typeset(review.quote)}</p></blockquote>`).join(''))
  .join('\n')}
</main><aside><h3>Weekly AI Tool Verdicts</h3><p>Get the next comparison in your inbox</p></aside>
<footer>“The best footer” © Site</footer><script>var a = "Panel ship";</script></body></html>`,

  /** A table a tool, labels before figures, quotes in list items under a lens heading. */
  table: ({ tools, url }) => `<html><head><meta property="og:url" content="${url}"></head><body>
<table><tr><td><h1>${escaped(tools[0].name)} vs ${escaped(tools[1].name)}</h1></td></tr></table>
${tools
  .map(
    (tool) => `<table><caption>${escaped(tool.category)}</caption>
<tr><th colspan=2>${escaped(tool.name)}</th></tr><tr><td colspan=2>${escaped(tool.tagline)}</td></tr>
<tr><th>Panel ship</th><td>${tool.panelShip}%</td></tr><tr><th>Community</th><td>${readers(tool)}</td></tr>
<tr><th>Entry</th><td>${escaped(tool.entryPrice)}</td></tr>
<tr><td colspan=2>${escaped(tool.description)}</td></tr></table>`,
  )
  .join('')}
<h3>Reviewer scorecard</h3><dl>
${rows(tools)
  .map(
    (row) =>
      `<dt>The ${row[0].lens}</dt>${row.map((review) => `<dd>&ldquo;${escaped(review.quote)}&rdquo;</dd>`).join('')}`,
  )
  .join('')}
</dl></body></html>`,

  /** Spans and divs of a component framework, no white space between them, comments inside text. */
  components: ({ tools, url }) =>
    `<div id="app" data-url="${url}"><div><span>AI tool comparison</span></div><div class="t">${escaped(tools[0].name)}<!-- --> vs <!-- -->${escaped(tools[1].name)}</div>${tools
      .map(
        (tool) =>
          `<div><div>${escaped(tool.category)}</div><div><a href="#">${escaped(tool.name)}</a></div><div>${escaped(tool.tagline)}</div><div><span>${tool.panelShip}<!-- -->%</span><span>Panel ship</span><span>${readers(tool)}</span><span>Community</span><span>${escaped(tool.entryPrice)}</span><span>Entry</span></div><div>${escaped(tool.description)}</div></div>`,
      )
      .join('')}<div>Reviewer scorecard</div>${rows(tools)
      .map((row) => `<div>${row.map((review) => `<div>“${escaped(review.quote)}”</div>`).join('')}</div>`)
      .join('')}<template><p>“Not seen”</p></template></div>`,

  /** Figures with the reviewer below the quote, both quotes of a lens naming it. */
  figures: ({ tools, url }) => `<body><link rel="canonical" href="${url}"><header>Site · Compare</header>
<h1>${escaped(tools[0].name)} <small>vs</small> ${escaped(tools[1].name)}</h1>
${tools
  .map(
    (
      tool,
    ) => `<article><header>${escaped(tool.category)}</header><h2>${escaped(tool.name)}</h2><p>${escaped(tool.tagline)}
<p><strong>${tool.panelShip}%</strong> Panel ship<br><strong>${readers(tool)}</strong> Community<br>
<strong>${escaped(tool.entryPrice)}</strong> Entry
<div>${escaped(tool.description).replace(/([.!?]) /u, '$1</div><div>')}</div></article>`,
  )
  .join('')}
<h2>Reviewer scorecard</h2>${rows(tools)
    .map((row) =>
      row
        .map(
          (review) =>
            `<figure><blockquote>${escaped(review.quote)}</blockquote><figcaption>— The ${review.lens}, Mira Okafor</figcaption></figure>`,
        )
        .join(''),
    )
    .join('')}<footer><p>Subscribe “now”</p></footer></body>`,
};
