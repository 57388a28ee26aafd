import { createHash } from 'node:crypto';
import { type Palette, theme as tokens } from '../../../emails/theme.ts';
import { contrastRatio } from '../../platform/contrast-ratio.ts';

/** The theme of the embedded form, from the query of its URL: only colours. */
export interface EmbedTheme {
  /** undefined: the reader's own setting. */
  scheme: 'light' | 'dark' | undefined;
  /** `#rrggbb`, when given and readable on the other colours. */
  colours: Partial<Record<EmbedColour, string>>;
}

export const EMBED_COLOURS = ['paper', 'ink', 'accent'] as const;
export type EmbedColour = (typeof EMBED_COLOURS)[number];

/** WCAG 2.2 §1.4.3, for text of any size. */
const READABLE = 4.5;

/** Reads `?scheme=dark&paper=101418&ink=f4f4f4&accent=ffb000`; drops values that are invalid or unreadable. */
export function readEmbedTheme(query: Record<string, unknown>): EmbedTheme {
  const { scheme } = query;
  const given = Object.fromEntries(
    EMBED_COLOURS.flatMap((name) => {
      const [, hex] = /^#?([\da-f]{6})$/i.exec(String(query[name])) ?? [];
      return hex === undefined ? [] : [[name, `#${hex.toLowerCase()}`]];
    }),
  ) as EmbedTheme['colours'];
  const known = scheme === 'light' || scheme === 'dark' ? scheme : undefined;
  // Our default colours depend on the scheme, so a chosen colour must be readable in both schemes.
  const palettes = known === undefined ? [tokens.light, tokens.dark] : [tokens[known]];
  const fits = (colours: EmbedTheme['colours']) =>
    palettes.every((palette) => {
      const { paper, ink, accent } = { ...palette, ...colours };
      return contrastRatio(ink, paper) >= READABLE && contrastRatio(accent, paper) >= READABLE;
    });
  const { paper, ink, accent } = given;
  const tries: EmbedTheme['colours'][] = [
    given,
    { ...(paper && { paper }), ...(ink && { ink }) },
    { ...(accent && { accent }) },
    {},
  ];
  return { scheme: known, colours: tries.find(fits) ?? {} };
}

/** The theme as a query string: `?scheme=dark`, or ''. */
export function themeQuery({ scheme, colours }: EmbedTheme): string {
  const values = Object.entries(colours).map(([name, value]) => [name, value.slice(1)]);
  const query = new URLSearchParams({ ...(scheme && { scheme }), ...Object.fromEntries(values) });
  return query.size > 0 ? `?${query}` : '';
}

/** CSS to append to the pages' stylesheet, and its hash for `style-src`. */
export function themeSheet({ scheme, colours }: EmbedTheme): { css: string; hash: string } {
  const base: Partial<Palette> = scheme === undefined ? {} : tokens[scheme];
  const { ink } = colours;
  const values = { ...base, ...(ink && { muted: ink, rule: ink }), ...colours };
  const declarations = [
    ...(scheme ? [`color-scheme:${scheme}`] : []),
    ...Object.entries(values).map(([name, value]) => `--${name}:${value}`),
  ].join(';');
  const css = `:root:root{${declarations}}.page{padding:20px}main{padding:0}`;
  return { css, hash: `sha256-${createHash('sha256').update(css).digest('base64')}` };
}
