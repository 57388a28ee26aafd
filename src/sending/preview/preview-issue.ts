import type { Issue } from '../../issues/issue-store.ts';
import { variantsOf } from '../../issues/variants.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { compile, personalise } from '../../render/personalise.ts';
import type { TemplateRef } from '../../render/render-variant.ts';
import { renderChecked } from '../../render/thread/rendering-thread.ts';
import { findSubscriber } from '../../subscribers/subscriber-store.ts';
import { chosenTopics, hadByReader, hadSets, stoppedIn } from '../audience/audience-store.ts';
import { planOf } from '../prepare-issue.ts';
import { frozenBody, frozenVariants, variantMailed } from './preview-store.ts';

export interface PreviewRequest {
  /** Counts from 1, which is the general variant and the default. */
  variant?: number | undefined;
  /** Another template than the issue's. */
  template?: TemplateRef | undefined;
  /** Shows the variant that this reader gets; excludes `variant`. */
  subscriberId?: string | undefined;
}

/** One variant of an issue, as it will be sent or was sent. */
export interface Preview {
  /** All variants and their topics; no topics means everything. */
  variants: { number: number; topics: string[] }[];
  number: number;
  subject: string;
  preheader: string;
  /** Personal links are still placeholders in it. */
  html: string;
  text: string;
}

/**
 * Renders one variant as it would be sent; of a frozen issue it returns the frozen one.
 * @throws AppError `preview-unknown` for a variant or a reader that does not exist, or a reader who gets nothing;
 * `issue-empty`, `render-failed`.
 */
export async function previewIssue(
  db: Connection,
  issue: Issue,
  { variant = 1, template, subscriberId }: PreviewRequest = {},
): Promise<Preview> {
  const reader = subscriberId === undefined ? undefined : await findSubscriber(db, subscriberId);
  if (subscriberId !== undefined && reader === undefined) throw unknown('There is no such reader.');

  const frozen = template === undefined ? await frozenVariants(db, issue.id) : [];
  if (frozen.length > 0) {
    const number = reader ? await variantMailed(db, issue.id, reader.id) : variant;
    const body = number === undefined ? undefined : await frozenBody(db, issue.id, number);
    if (body === undefined) throw unknown('Nothing of this issue was for them.');
    return { ...body, variants: frozen };
  }

  const sets = await chosenTopics(db);
  const plan = planOf(issue);
  const had = reader ? await hadByReader(db, stoppedIn(plan), reader.id) : [];
  const { variants, assignments } = variantsOf(
    plan,
    reader ? [...sets, reader.topics] : sets,
    await hadSets(db, stoppedIn(plan)),
  );
  const number = reader
    ? assignments.find(
        (each) => JSON.stringify([each.topics, each.had]) === JSON.stringify([reader.topics, had]),
      )?.variant
    : variant;
  const chosen = variants.find((each) => each.number === number);
  if (chosen === undefined) throw unknown('Nothing of this issue is for them.');
  const { rendered } = await renderChecked(chosen.content, template ?? (issue.template as TemplateRef));
  return {
    ...rendered,
    number: chosen.number,
    variants: variants.map((each) => ({ number: each.number, topics: each.content.topics })),
  };
}

/** Makes a copy for no reader: its personal links lead to pages that explain what to do. */
export function impersonal(
  { html, text }: { html: string; text: string },
  publicUrl: string,
): { html: string; text: string } {
  return personalise(compile({ html, text }), {
    unsubscribe: `${publicUrl}/unsubscribe`,
    preferences: `${publicUrl}/preferences`,
    vote: `${publicUrl}/vote`,
  });
}

function unknown(message: string): AppError {
  return new AppError('preview-unknown', message, { help: 'Choose another variant or another reader.' });
}
