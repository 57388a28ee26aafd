import type { IssueContent } from '../../issues/content.ts';
import { AppError } from '../../platform/errors.ts';
import { TaskThread } from '../../platform/thread/task-thread.ts';
import type { Check } from '../checks.ts';
import type { RenderedVariant, TemplateRef } from '../render-variant.ts';

/**
 * Variants are rendered and checked in a thread, one after the other: a long one takes half a second, and an issue
 * may have a hundred (docs/adr/0026).
 */

/** A variant in the size that fits, and what its checks found. */
export interface CheckedVariant {
  /** May have fewer cards and rows than what was asked for. */
  content: IssueContent;
  rendered: RenderedVariant;
  checks: Check[];
}

export interface RenderingTask {
  content: IssueContent;
  template: TemplateRef;
}

/** Long enough for the largest variant on the slowest machine: it is for templates that never end. */
const RENDERING_MS = 30_000;

const thread = new TaskThread<RenderingTask>({
  name: 'rendering',
  body: 'rendering-body',
  from: import.meta.url,
  // React chooses its build by it.
  env: { NODE_ENV: process.env.NODE_ENV ?? 'production' },
  heapMb: 512,
  limit: { cpuMs: RENDERING_MS, wallMs: 4 * RENDERING_MS },
  // The engines take some 100 MB.
  idleMs: 60_000,
  overdue: (exceeded) => {
    const limit =
      'seconds' in exceeded ? `${exceeded.seconds} seconds` : `${exceeded.megabytes} MB of memory`;
    return new AppError('render-failed', `The issue could not be rendered within ${limit}.`, {
      help: 'Leave out the comparison with the longest texts, or mend the template.',
    });
  },
  // Not an AppError: it says nothing about the issue.
  stopped: () => new Error('The program stops; the issue is rendered when it runs again.'),
});

/**
 * Renders a variant in the size that fits, and checks it.
 * @throws AppError `render-failed`; an Error when the program stops.
 */
export async function renderChecked(content: IssueContent, template: TemplateRef): Promise<CheckedVariant> {
  return (await thread.run({ content, template })) as CheckedVariant;
}

/** Ends the thread, if there is one. */
export function stopRendering(): Promise<void> {
  return thread.stop();
}
