/**
 * The three sizes of a verdict mark, in pixels: type size of its word, and of the text after it; height and width
 * of the box, height inside its border; border; distance to the text after it.
 */
export const sizes = {
  large: { word: 30, after: 34, height: 48, inner: 42, width: 120, border: 3, gap: 16 },
  medium: { word: 20, after: 24, height: 34, inner: 30, width: 84, border: 2, gap: 12 },
  small: { word: 15, after: 18, height: 26, inner: 22, width: 68, border: 2, gap: 10 },
} as const;

export type MarkSize = keyof typeof sizes;
