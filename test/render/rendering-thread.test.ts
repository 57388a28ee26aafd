import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/platform/errors.ts';
import { checks } from '../../src/render/checks.ts';
import { renderToFit, TEMPLATES } from '../../src/render/render-variant.ts';
import { renderChecked, stopRendering } from '../../src/render/thread/rendering-thread.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

afterAll(stopRendering);

describe.each(TEMPLATES)('the rendering thread, with %s', (template) => {
  it('gives the same bytes and the same checks as rendering in this thread', async () => {
    const { content, rendered } = await renderToFit(goldenIssue, template);
    expect(await renderChecked(goldenIssue, template)).toEqual({
      ...{ content, rendered },
      checks: checks(content, rendered),
    });
  });

  it('names the issue that cannot be rendered, and renders the next', async () => {
    const broken = { ...goldenIssue, lead: { ...goldenIssue.lead, tools: [] } } as never;
    await expect(renderChecked(broken, template)).rejects.toMatchObject({
      code: 'render-failed',
      message: /2026-11-24/u,
      context: { issue: '2026-11-24', template },
    });
    expect((await renderChecked(goldenIssue, template)).checks).toBeDefined();
  });
});

it('a rendering that is interrupted by the end of the program says nothing about the issue', async () => {
  const running = renderChecked(goldenIssue, 'react:digest');
  const waiting = renderChecked(goldenIssue, 'mjml:digest');
  const ends = [running, waiting].map((each) => each.catch((error: unknown) => error));
  await stopRendering();
  for (const error of await Promise.all(ends)) {
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(AppError);
  }
});
