import { z } from 'zod';

/**
 * The site's domain: two tools side by side, what the panel would ship or skip, how the community voted and what each
 * tool costs to enter. All input, from any source, is first parsed by {@link comparisonSchema}.
 */

/**
 * Invisible characters that move or hide their neighbours: bidirectional controls, zero-width joiners and similar. ZWJ
 * and ZWNJ are not included: scripts and emoji need them.
 */
export const UNSEEN =
  /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/gu;

/**
 * Collapses white space, so that the same sentence always compares equal. Removes control characters and lone
 * surrogates, because neither a database nor a mail can hold them, and {@link UNSEEN} characters, because the text of
 * one tool must not reorder the text of another.
 */
const line = (max: number) =>
  z
    .string()
    .transform((value) =>
      value
        .toWellFormed()
        .replace(UNSEEN, '')
        .normalize('NFC')
        .replace(/\s+/gu, ' ')
        .replace(/[\p{Cc}\uFFFD]/gu, '')
        .trim(),
    )
    .pipe(
      z
        .string()
        .min(1)
        .max(max)
        .regex(/^$|[^\p{Cf}\p{Z}]/u, 'has no visible character'),
    );

const percent = z.number().int().min(0).max(100);

/** `ship` or `skip`: the only two answers a reviewer or a reader can give. */
export const callSchema = z.enum(['ship', 'skip']);
export type Call = z.infer<typeof callSchema>;

/** One panel reviewer: their lens (role), their words, and their call if known. */
const reviewSchema = z.object({
  lens: line(40).transform((value) => value.toLowerCase()),
  quote: line(4_000),
  call: callSchema.nullable().default(null),
});
export type Review = z.infer<typeof reviewSchema>;

const toolSchema = z.object({
  name: line(120),
  category: line(60),
  tagline: line(240),
  description: line(4_000),
  /** Share of `ship` in the panel, 0 to 100. */
  panelShip: percent,
  /** Share of `ship` among readers' votes, 0 to 100; null until there is a vote. */
  communityShip: percent.nullable().default(null),
  /** As printed on the site: "Free", "$20/mo", "€0.40 per 1M tokens". */
  entryPrice: line(60),
  reviews: z.array(reviewSchema).max(12),
});
export type Tool = z.infer<typeof toolSchema>;

/** Length of a URL: browsers accept as many characters, and a database index cannot hold more. */
export const MAX_ADDRESS = 2_000;

export const slugSchema = z
  .string()
  .max(160)
  .regex(
    /^[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}]+(?:-[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}]+)*$/u,
    'lower-case words joined by single hyphens',
  );

/** A comparison as a source delivers it, before the database knows it. */
export const comparisonSchema = z.object({
  slug: slugSchema,
  /** The comparison's page on the site. */
  url: z.url({ protocol: /^https?$/ }).max(MAX_ADDRESS),
  /** When the site published it (ISO 8601 with offset); sources without a date leave it null. */
  publishedAt: z.iso.datetime({ offset: true }).nullable().default(null),
  tools: z.tuple([toolSchema, toolSchema]),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** Our own readers' votes on a tool; each reader counts once. */
const votesSchema = z.object({ ship: z.number().int().min(0), skip: z.number().int().min(0) });
export type Votes = z.infer<typeof votesSchema>;

/** A tool with our readers' votes, if there are any. A source cannot provide them. */
export type CountedTool = Tool & { readers?: Votes | undefined };

/** A comparison as it was composed: the source's content, and our readers' votes at that time. */
export const countedComparisonSchema = comparisonSchema.extend({
  tools: z.tuple([countedTool(), countedTool()]),
});
export type CountedComparison = z.infer<typeof countedComparisonSchema>;

function countedTool() {
  return toolSchema.extend({ readers: votesSchema.optional() });
}

/** What a tool's own panel says of it. `split` is a panel that disagrees. */
export type Mark = 'ship' | 'skip' | 'split';

/** The mark of one tool beside the verdict; `second`: it would ship, and the other one is the pick. */
export type ToolMark = Mark | 'second';

/** The outcome of the pair in words, derived from panel and community by {@link verdict}. */
export interface Verdict {
  /** The most prominent element of the page: a filled, outlined or half-filled mark with its word. */
  mark: Mark;
  /** Index of the tool to ship; null for both, neither, or an open question. */
  pick: 0 | 1 | null;
  /** "Ship Cursor", "Ship both", "Skip both", "Split: Zed or Cursor", "Split on Zed": the names in full. */
  words: string;
  /** One sentence that counts the people behind it. */
  because: string;
}
