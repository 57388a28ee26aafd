import { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import { lengthOf, oneLine } from './truncate.ts';

/**
 * An editor's changes to a draft, as a pure function from the current choices to the next. Choices are stored
 * beside the plan and never in it: composing again starts from the database and applies them again.
 */

const texts = z.string().nullable().default(null);
const slugs = z.array(z.string()).default([]);

/**
 * `EditorChoices` of compose.ts as they are stored. Excluded comparisons are not part of them, because an exclusion
 * outlives the issue.
 */
export const choicesSchema = z.object({
  lead: texts,
  order: slugs,
  heldBack: slugs,
  withoutTopics: slugs,
  heldChanges: slugs,
  leftOutChanges: slugs,
  heldReaders: slugs,
  leftOutReaders: slugs,
  intro: texts,
  subject: texts,
  preheader: texts,
  /** `ISSUE_TEMPLATE` for this issue; null: the one of the installation. */
  template: texts,
});
export type Choices = z.infer<typeof choicesSchema>;

export const NO_CHOICES: Choices = choicesSchema.parse({});

export type Edit =
  /** One position towards the top or the end. */
  | { kind: 'up' | 'down'; slug: string }
  /** Before another comparison; null: to the end. */
  | { kind: 'move'; slug: string; before: string | null }
  /** Leads the issue, whatever comparison arrives later. */
  | { kind: 'lead'; slug: string }
  | { kind: 'unpin' }
  /** Back to the order by interest. */
  | { kind: 'reorder' }
  | { kind: 'hold'; slug: string }
  | { kind: 'leave_out'; slug: string; reason: string }
  /** Adds a comparison that was held back or excluded, here or in an earlier issue, or that arrived since. */
  | { kind: 'add'; slug: string }
  /**
   * Takes a row of *changed verdicts* or *what readers said* out of the issue, or back into it. A row that is held
   * comes next week; one that is left out counts as told.
   */
  | { kind: 'row_hold' | 'row_leave_out' | 'row_add'; section: RowSection; key: string }
  /** An empty text restores the default text. */
  | { kind: 'words'; subject: string; preheader: string; intro: string }
  | { kind: 'look'; template: string; withoutTopics: string[] };

/** The sections whose rows come by themselves. */
export type RowSection = 'changed' | 'readers';

/** The keys of their rows, in the issue or taken out of it. */
export type RowKeys = Record<RowSection, readonly string[]>;

/** In graphemes. The checks block a longer subject anyway; the other limits are what a reader accepts. */
export const MAX_LENGTH = { subject: 199, preheader: 250, intro: 1_200, reason: 300 } as const;

/**
 * @param order slugs of the current issue, the lead first.
 * @throws AppError `edit-refused` when the edit cannot apply to anything.
 */
export function applyEdit(
  choices: Choices,
  edit: Edit,
  order: readonly string[],
  rows: RowKeys = { changed: [], readers: [] },
): Choices {
  switch (edit.kind) {
    case 'up':
    case 'down': {
      const at = indexOf(order, edit.slug);
      const to = Math.min(order.length - 1, Math.max(0, at + (edit.kind === 'up' ? -1 : 1)));
      return ordered(choices, order.toSpliced(at, 1).toSpliced(to, 0, edit.slug));
    }
    case 'move': {
      indexOf(order, edit.slug);
      if (edit.before === edit.slug) return choices;
      const others = order.filter((slug) => slug !== edit.slug);
      const to = edit.before === null ? others.length : indexOf(others, edit.before);
      return ordered(choices, others.toSpliced(to, 0, edit.slug));
    }
    case 'lead': {
      indexOf(order, edit.slug);
      return { ...choices, lead: edit.slug };
    }
    case 'unpin':
      return { ...choices, lead: null };
    case 'reorder':
      return { ...choices, lead: null, order: [] };
    case 'hold':
      indexOf(order, edit.slug);
      return { ...withoutComparison(choices, edit.slug), heldBack: [...choices.heldBack, edit.slug] };
    case 'leave_out':
      indexOf(order, edit.slug);
      if (oneLine(edit.reason) === '') throw refused('Say why it is left out, in a few words.');
      fits('reason', edit.reason);
      return withoutComparison(choices, edit.slug);
    case 'add':
      return { ...choices, heldBack: choices.heldBack.filter((slug) => slug !== edit.slug) };
    case 'row_hold':
    case 'row_leave_out':
    case 'row_add':
      if (!rows[edit.section].includes(edit.key)) throw refused('That row is not in this issue any more.');
      return withRow(choices, edit);
    case 'words': {
      const { subject, preheader, intro } = edit;
      for (const [name, text] of Object.entries({ subject, preheader, intro }))
        fits(name as keyof typeof MAX_LENGTH, text);
      return {
        ...choices,
        subject: oneLine(subject) || null,
        preheader: oneLine(preheader) || null,
        intro: oneLine(intro) || null,
      };
    }
    case 'look':
      return { ...choices, template: edit.template, withoutTopics: edit.withoutTopics };
  }
}

/** An editor who moves a comparison to the top of an issue with a pinned lead wants it as the lead. */
function ordered(choices: Choices, order: string[]): Choices {
  return { ...choices, order, lead: choices.lead === null ? null : (order[0] ?? null) };
}

/** Returns the choices without one comparison. */
export function withoutComparison(choices: Choices, slug: string): Choices {
  return {
    ...choices,
    lead: choices.lead === slug ? null : choices.lead,
    order: choices.order.filter((each) => each !== slug),
    heldBack: choices.heldBack.filter((each) => each !== slug),
  };
}

const ROW_CHOICES = {
  changed: { held: 'heldChanges', leftOut: 'leftOutChanges' },
  readers: { held: 'heldReaders', leftOut: 'leftOutReaders' },
} as const;

function withRow(choices: Choices, { kind, section, key }: Extract<Edit, { section: RowSection }>): Choices {
  const { held, leftOut } = ROW_CHOICES[section];
  const without = (keys: readonly string[]) => keys.filter((each) => each !== key);
  return {
    ...choices,
    [held]: kind === 'row_hold' ? [...without(choices[held]), key] : without(choices[held]),
    [leftOut]: kind === 'row_leave_out' ? [...without(choices[leftOut]), key] : without(choices[leftOut]),
  };
}

function indexOf(order: readonly string[], slug: string): number {
  const at = order.indexOf(slug);
  if (at < 0) throw refused('That comparison is not in this issue any more.');
  return at;
}

function fits(name: keyof typeof MAX_LENGTH, text: string): void {
  const length = lengthOf(oneLine(text));
  if (length > MAX_LENGTH[name])
    throw refused(`The ${name} has ${length} characters; there is room for ${MAX_LENGTH[name]}.`);
}

function refused(message: string): AppError {
  return new AppError('edit-refused', message, { help: 'Nothing was changed.' });
}
