import { createElement, type ReactElement } from 'react';
import { render } from 'react-email';
import { Digest } from '../../emails/digest.tsx';
import { withGhosts } from '../../emails/parts/columns.ts';
import type { IssueContent } from '../issues/content.ts';

/** Word renders at the screen's scale unless it is given a resolution; React cannot print a conditional comment. */
const OFFICE =
  '<!--[if mso]><noscript><xml><o:OfficeDocumentSettings xmlns:o="urn:schemas-microsoft-com:office:office">' +
  '<o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml></noscript><![endif]-->';

/** Comments of React, and of React Email, for themselves. Content cannot imitate them: it is escaped. */
const MARKERS = /<!--(?: |\/?\$|html|head|body)-->/gu;

/** Renders the digest by React Email. `content` is already sanitized; JSX escapes every text. */
export function renderReact(content: IssueContent): Promise<string> {
  return renderReactMail(createElement(Digest, content));
}

/** Renders any mail by React Email. */
export async function renderReactMail(mail: ReactElement): Promise<string> {
  const html = await render(mail);
  return withGhosts(html.replace(MARKERS, '').replace('</head>', `${OFFICE}</head>`));
}
