import type { TransactionalContent } from './transactional-email.tsx';

/** Width of a line of text, in columns. */
export const WIDTH = 72;

/**
 * Wraps at white space, with `first` before the first line and `rest` before the others. A word wider than a line
 * is split, so that nothing widens a reader's window.
 */
export function wrap(text: string, first = '', rest = first): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const start = (): void => {
    lines.push(line);
    line = rest;
    empty = true;
  };
  for (const word of text.split(/\s+/u).filter(Boolean)) {
    const characters = [...word];
    if (!empty && [...line].length + 1 + characters.length > WIDTH) start();
    if (!empty) line += ' ';
    while ([...line].length + characters.length > WIDTH) {
      line += characters.splice(0, WIDTH - [...line].length).join('');
      start();
    }
    line += characters.join('');
    empty = false;
  }
  return [...lines, line].join('\n');
}

/** A transactional email as text: the same parts in the same order as in HTML. A link has its own line. */
export function transactionalText(content: TransactionalContent): string {
  const { newsletter, heading, paragraphs, sections = [], action, list, notes, why } = content;
  const blocks = [
    `${newsletter.name}\n${wrap(heading)}`,
    ...paragraphs.map((text) => wrap(text)),
    ...sections.map(({ title, paragraphs: texts, link }) =>
      [
        wrap(title.toUpperCase()),
        ...texts.map((text) => wrap(text)),
        ...(link ? [`${link.label}:\n${link.url}`] : []),
      ].join('\n\n'),
    ),
    ...(action ? [`${action.label}:\n${action.url}`] : []),
    ...(list
      ? [[list.title, ...list.rows.map(({ text, url }) => `${wrap(text)}\n${url}`)].join('\n\n')]
      : []),
    ...notes.map(({ text, link }) => wrap(text) + (link ? `\n${link.label}:\n${link.url}` : '')),
    `--\n${wrap(why)}`,
    ...(newsletter.postalAddress === '' ? [] : [wrap(newsletter.postalAddress)]),
  ];
  return `${blocks.join('\n\n')}\n`;
}
