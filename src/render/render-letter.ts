import { createElement } from 'react';
import { Letter as LetterMail } from '../../emails/letter.tsx';
import type { Letter } from '../transactional/letter.ts';
import { renderReactMail } from './react.ts';
import { wrap } from './text.ts';

/** A transactional mail as html and as text. Deterministic: the same letter gives the same bytes. */
export async function renderLetter(letter: Letter): Promise<{ html: string; text: string }> {
  return { html: await renderReactMail(createElement(LetterMail, letter)), text: textOf(letter) };
}

/** The same things in the same order; links stand alone on their lines. */
function textOf({ newsletter, heading, paragraphs, action, list, notes, why }: Letter): string {
  const blocks = [
    `${newsletter.name}\n${wrap(heading)}`,
    ...paragraphs.map((text) => wrap(text)),
    ...(action === null ? [] : [`${action.label}:\n${action.url}`]),
    ...(list === null
      ? []
      : [[list.title, ...list.rows.map(({ text, url }) => `${wrap(text)}\n${url}`)].join('\n\n')]),
    ...notes.map(({ text, link }) => wrap(text) + (link === null ? '' : `\n${link.label}:\n${link.url}`)),
    `--\n${wrap(why)}`,
    ...(newsletter.postalAddress === '' ? [] : [wrap(newsletter.postalAddress)]),
  ];
  return `${blocks.join('\n\n')}\n`;
}
