/**
 * The visual design of mail, public pages and desk: a printed ballot. Paper and ink, one accent, a serif for
 * headlines, a system sans with tabular numerals for all other text. Plain values, so that a React part, an MJML
 * template and a web page's stylesheet can all use them.
 *
 * Every text colour has at least 4.5:1 on its paper, `ink`, `muted` and `accent` alike, in both schemes.
 */
export const theme = {
  light: {
    paper: '#fbf9f4',
    ink: '#1c1a17',
    muted: '#5c574e',
    rule: '#d8d2c5',
    track: '#e6e1d5',
    accent: '#9a2f1b',
  },
  /** Chosen, not inverted: warm dark paper, and ink that is not quite white so that filled marks do not glare. */
  dark: {
    paper: '#181613',
    ink: '#ece7dc',
    muted: '#aaa395',
    rule: '#3d3931',
    track: '#35312a',
    accent: '#f0a28c',
  },
  type: {
    serif: 'Georgia,Times,serif',
    sans: '-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif',
    /** Pixels; no text is smaller than `meta`. */
    body: 16,
    meta: 14,
  },
  /** Pixels. */
  space: { gutter: 28, gutterNarrow: 20, gap: 28, section: 44 },
  /** The largest width of a mail, and the width from which two tools are side by side; pixels. */
  width: 600,
  sideBySide: 480,
} as const;

export type Palette = Record<keyof typeof theme.light, string>;
