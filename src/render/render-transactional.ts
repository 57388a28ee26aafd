import { createElement } from 'react';
import { transactionalText } from '../../emails/parts/plain-text.ts';
import { type TransactionalContent, TransactionalLayout } from '../../emails/parts/transactional-email.tsx';
import { renderReactMail } from './react.ts';

/** A transactional email as html and as text. Deterministic: the same content gives the same bytes. */
export async function renderTransactional(
  content: TransactionalContent,
): Promise<{ html: string; text: string }> {
  return {
    html: await renderReactMail(createElement(TransactionalLayout, content)),
    text: transactionalText(content),
  };
}
