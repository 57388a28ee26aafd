import type { ChangedVerdict, ChangeKind } from './content.ts';

/** What an editor chooses, and what becomes of each row of an issue. */

export interface EditorChoices {
  /** Slug of the comparison to lead with. */
  lead: string | null;
  /** Slugs in the editor's order; later arrivals come after them. Empty: the default order. */
  order: readonly string[];
  /** Slugs that are held back for the next issue. */
  heldBack: readonly string[];
  /** Slugs that are left out of this issue; the store also keeps them out of later ones. */
  leftOut: readonly string[];
  /** Topics that are held back for the next issue, with every comparison that has no other topic. */
  withoutTopics: readonly string[];
  /** Slugs of changed comparisons whose row waits for the next issue. */
  heldChanges: readonly string[];
  /** Slugs of changed comparisons without a row; the change counts as told. */
  leftOutChanges: readonly string[];
  /** Rows of *what readers said* that wait for the next issue, by `readersKey`. */
  heldReaders: readonly string[];
  /** Rows of *what readers said* that are left out, by `readersKey`. */
  leftOutReaders: readonly string[];
  intro: string | null;
  subject: string | null;
  preheader: string | null;
}

export interface Limits {
  /** How many standard cards follow the lead; the others have their row only. Default 3. */
  cards: number;
  /** The most comparisons in one issue, the most interesting first. Default 40. */
  comparisons: number;
  /**
   * How many of the next most interesting wait for the next issue; the summary tells the rest by number, with a link
   * to the page that lists them. So a flood of new pages never becomes a backlog. Default 40 (docs/adr/0022).
   */
  waiting: number;
  /** Rows of *changed verdicts* for prices and panels, together with the verdicts that turned. Default 8. */
  changed: number;
  /** Verdicts that turned with a row or a line of their own; the summary tells the rest by number. Default 100. */
  turned: number;
  /** Rows of *what readers said*, with the widest disagreement first. Default 4. */
  readers: number;
  /**
   * How many votes a tool needs for *what readers said*: with fewer, the row would reveal how one reader voted.
   * Default 3.
   */
  votes: number;
}

export interface Topical<Row> {
  row: Row;
  /** Categories of the tools it is about. */
  topics: string[];
}

/** How many comparisons of one kind are told by number. */
export interface Counted {
  kind: ChangeKind | 'new';
  count: number;
}

/** A row that the editor took out. */
export interface Aside {
  section: 'changed' | 'readers';
  /** `held`: it waits for the next issue. `dropped`: it counts as told. */
  how: 'held' | 'dropped';
  /** The slug of a changed comparison; `readersKey` of a row of *what readers said*. */
  key: string;
  /** "Cursor vs Zed", or "Zed (Cursor vs Zed)". */
  title: string;
}

/**
 * What an issue tells about one comparison: in a row (or a line, or by its name), counted in the summary, or dropped
 * by the editor. Each counts as told: a later change is a change from this.
 */
export interface Told {
  slug: string;
  section: 'new' | 'changed';
  told: 'row' | 'summary' | 'dropped';
  change: ChangedVerdict | null;
}
