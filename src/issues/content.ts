import type { ToolMark, Verdict } from '../comparisons/model.ts';
import type { LensRow, ReadersShare } from '../comparisons/side-by-side.ts';

/**
 * The input of every template: one issue for one set of topics, with nothing left to look up, to sort or to
 * compute. React Email and MJML both render {@link IssueContent}; it is stored with its hash before the first
 * submit and never changes afterwards (invariant I5).
 *
 * Links that differ per subscriber are placeholders: a template prints them like any other URL. The renderer passes
 * URLs that nobody can guess to the template, and then replaces them by {@link PLACEHOLDERS} in its output.
 */
export interface IssueContent {
  newsletter: {
    /** NEWSLETTER_NAME: "Weekly AI Tool Verdicts". */
    name: string;
    /** Absolute, without a trailing slash. */
    url: string;
    /** Physical address of the sender, one line, commas between the parts (CAN-SPAM). */
    postalAddress: string;
  };
  /** Counts from 1. */
  number: number;
  slug: string;
  /** Local date of the slot, "2026-11-24". */
  date: string;
  /** The same date for readers: "Tuesday, 24 November 2026". */
  dateLabel: string;
  /** Whole minutes, at least 1. */
  readingMinutes: number;
  /** 30 to 55 characters if possible: the best verdict. */
  subject: string;
  /** 40 to 90 characters with new information: the next two verdicts. */
  preheader: string;
  /** An editor's paragraph, or null. */
  intro: string | null;
  /** The topics of this variant; empty = everything. */
  topics: string[];
  lead: ComparisonCard;
  /** The comparisons after the lead in one linked row each, in the order of the issue. */
  rows: VerdictRow[];
  /** Cards of the first rows. */
  cards: ComparisonCard[];
  changed: ChangedVerdict[];
  /** Verdicts that turned, in one line each, where there is no room for their rows. */
  turned: ChangedVerdict[];
  /** What has neither row nor line here; null: everything has one. */
  rest: Rest | null;
  readers: ReadersSaid[];
  links: {
    /** This issue in the archive. */
    online: string;
    unsubscribe: string;
    preferences: string;
    /** Followed by the path of a comparison, a tool and a call: see `voteUrl` of emails/words.ts. */
    vote: string;
  };
}

export interface GlanceRow {
  slug: string;
  /** "Cursor vs Zed" */
  title: string;
  verdict: Verdict;
  /** "Free vs $20/mo", or the one price when both are the same. */
  entryPrice: string;
}

/** A comparison in one row of a mail. Names and prices are in the order of the title. */
export interface VerdictRow extends Omit<GlanceRow, 'verdict'> {
  url: string;
  /** Without its sentence, which stands in a card. */
  verdict: Omit<Verdict, 'because'>;
  names: [string, string];
  prices: [string, string];
}

/** A tool as readers see it: counts are numbers, formatted by the template. */
export interface ToolCard {
  name: string;
  category: string;
  tagline: string;
  /** Empty on a standard card. */
  description: string;
  /** What it wears beside the verdict, which it never contradicts. */
  mark: ToolMark;
  panelShip: number;
  /** The community share that the source reports; null is shown as an em dash. */
  communityShip: number | null;
  readers: ReadersShare | null;
  entryPrice: string;
}

export interface ComparisonCard {
  slug: string;
  title: string;
  url: string;
  category: string;
  verdict: Verdict;
  tools: [ToolCard, ToolCard];
  /**
   * The reviewers' calls, one row for each lens: every lens in the lead, the one that decides on a standard card.
   * Only what is printed: a quote that is left to the page is empty.
   */
  lenses: LensRow[];
}

/** What changed most: the verdict, else a price, else a panel. */
export type ChangeKind = 'turned' | 'price' | 'panel';

/** An earlier comparison whose panel, price or verdict changed since readers were told about it. */
export interface ChangedVerdict {
  kind: ChangeKind;
  slug: string;
  title: string;
  url: string;
  /** Verdict as it was mailed, and as it is now. */
  was: Verdict;
  now: Verdict;
  /** "Nightjar lost its lead: reviewers went from three of four to two. The entry price of Zed went from Free to $10/mo." */
  whatMoved: string;
  /** Number of the issue that told it last. */
  mailedIn: number;
}

/** What an issue tells by number only, and the page of our site that lists it. */
export interface Rest {
  /** "https://…/issues/2026-11-24/all" */
  url: string;
  /** Titles of comparisons whose verdict turned. */
  turnedTitles: string[];
  /** How many further verdicts turned, prices and panels moved, and comparisons are new. */
  turned: number;
  prices: number;
  panels: number;
  new: number;
}

/** Readers' votes on a tool of the last issue, beside the panel. */
export interface ReadersSaid {
  slug: string;
  tool: string;
  title: string;
  url: string;
  panelShip: number;
  /** The votes on this panel. */
  readersShip: number;
  votes: number;
  /** "12 January": when the panel changed last, or when the comparison was first seen. */
  since: string;
  isPanelChanged: boolean;
  /** The votes since the issue that carried it last, and its day: "3 March". */
  recent: { ship: number; votes: number; since: string };
}

/**
 * The only strings of a rendered variant that differ between two subscribers. They are whole URLs, or begin one, so
 * that links can be checked and previewed like any other. The host is reserved and never resolves (RFC 2606 §2), so
 * a forgotten placeholder leads nowhere. Content may contain these strings: the renderer makes sure that a variant
 * has them as links where its template printed them, and nowhere else (src/render/placeholders.ts).
 */
export const PLACEHOLDERS = {
  unsubscribe: 'https://placeholder.invalid/unsubscribe',
  preferences: 'https://placeholder.invalid/preferences',
  vote: 'https://placeholder.invalid/vote',
} as const;

export type PlaceholderName = keyof typeof PLACEHOLDERS;

/** How many links of each kind a body has. */
export type PlaceholderCounts = Record<PlaceholderName, number>;
