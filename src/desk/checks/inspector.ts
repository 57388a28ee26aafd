import type { Issue } from '../../issues/issue-store.ts';
import {
  type Inspection,
  inspectIssue,
  type RenderedIssue,
  renderForInspection,
} from '../../sending/inspection/inspect-issue.ts';
import type { DeskContext } from '../desk-context.ts';

/** Inspects an issue; a recent rendering of the same content may be used again. */
export type Inspect = (issue: Issue, how?: { afresh: boolean }) => Promise<Inspection>;

/**
 * How long a rendering may be used again. Readers' topics change slowly, so this is good enough for the line on
 * *This week*.
 */
const RENDER_CACHE_MS = 5 * 60_000;

/**
 * Rendering all variants is the expensive part, and depends on content and template only: the last result is
 * cached.
 */
export function createInspector({ db, desk, clock }: DeskContext): Inspect {
  let kept: { key: string; at: number; rendered: Promise<RenderedIssue[]> } | undefined;
  const render = (issue: Issue, afresh: boolean): Promise<RenderedIssue[]> => {
    const key = `${issue.id} ${issue.planHash} ${issue.template}`;
    if (!afresh && kept?.key === key && performance.now() - kept.at < RENDER_CACHE_MS) return kept.rendered;
    const rendered = renderForInspection(db, issue);
    const mine = { key, at: performance.now(), rendered };
    kept = mine;
    // A failure is not cached: the next request tries again.
    rendered.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return rendered;
  };
  return (issue, { afresh } = { afresh: false }) =>
    inspectIssue(db, issue, { now: clock(), setUp: desk.setUp(), render: (each) => render(each, afresh) });
}
