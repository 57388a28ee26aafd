import type { Issue } from '../../issues/issue-store.ts';
import {
  drawIssue,
  type Inspection,
  inspectIssue,
  type RenderedIssue,
} from '../../sending/inspection/inspect-issue.ts';
import type { DeskContext } from '../desk-context.ts';

/** Looks at an issue; what was drawn lately of the same content may be taken again. */
export type Inspect = (issue: Issue, how?: { afresh: boolean }) => Promise<Inspection>;

/** Which topics readers choose moves slowly: what was drawn is good for the line on *This week* for so long. */
const RENDER_CACHE_MS = 5 * 60_000;

/** Drawing every variant is the dear part, and follows from content and template: the last one is kept. */
export function createInspector({ db, desk, clock }: DeskContext): Inspect {
  let kept: { key: string; at: number; drawn: Promise<RenderedIssue[]> } | undefined;
  const draw = (issue: Issue, afresh: boolean): Promise<RenderedIssue[]> => {
    const key = `${issue.id} ${issue.planHash} ${issue.template}`;
    if (!afresh && kept?.key === key && performance.now() - kept.at < RENDER_CACHE_MS) return kept.drawn;
    const drawn = drawIssue(db, issue);
    const mine = { key, at: performance.now(), drawn };
    kept = mine;
    // A failure is not kept: the next one tries again.
    drawn.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return drawn;
  };
  return (issue, { afresh } = { afresh: false }) =>
    inspectIssue(db, issue, { now: clock(), setUp: desk.setUp(), draw: (each) => draw(each, afresh) });
}
