import { serveTasks } from '../../platform/thread/thread-body.ts';
import { checks } from '../checks.ts';
import { renderToFit } from '../render-variant.ts';
import type { CheckedVariant, RenderingTask } from './rendering-thread.ts';

/** Body of the thread that `rendering-thread.ts` starts. */

serveTasks(async ({ content: full, template }: RenderingTask): Promise<CheckedVariant> => {
  const { content, rendered } = await renderToFit(full, template);
  return { content, rendered, checks: checks(content, rendered) };
});
