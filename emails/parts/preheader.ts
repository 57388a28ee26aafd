/** How many characters of a mail an inbox shows after its subject, at most. */
const SHOWN = 140;

/** Blanks that follow a preheader, so that an inbox shows nothing of the mail's first lines. */
export const preheaderFiller = (preheader: string): string =>
  '\u00a0\u200c'.repeat(Math.max(0, SHOWN - [...preheader].length));
