import { theme } from '../theme.ts';

/**
 * Two columns without a media query: blocks in a line, which stand below each other where there is no room for both
 * ("fluid hybrid"). Word knows no such blocks, and gets a table that other clients take for a comment.
 */

const { gap, gutter } = theme.space;

/** Pixels; two columns and their gaps fill a mail. */
const columnWidth = (theme.width - 2 * gutter) / 2 - gap / 2;

export const columnStyle = {
  display: 'inline-block',
  width: '100%',
  maxWidth: columnWidth,
  marginRight: gap / 2,
  verticalAlign: 'top',
} as const;

const cell = `<td width="50%" valign="top" style="padding-right:${gap / 2}px">`;

/** What stands before the first column, between both, and after the second. */
export const ghost = {
  open: `<!--[if mso]><table role="presentation" width="100%"><tr>${cell}<![endif]-->`,
  next: `<!--[if mso]></td>${cell}<![endif]-->`,
  close: '<!--[if mso]></td></tr></table><![endif]-->',
};

/** The element that React prints where a ghost belongs, because it cannot print a conditional comment. */
export const ghostTag = (at: keyof typeof ghost): string => `mso-${at}`;

/** Puts the conditional comments where React printed their elements. Content cannot imitate one: it is escaped. */
export const withGhosts = (html: string): string =>
  html.replace(/<mso-(open|next|close)><\/mso-\1>/gu, (_, at: keyof typeof ghost) => ghost[at]);
