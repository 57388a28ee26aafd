import type { Issue } from '../../issues/issue-store.ts';
import {
  type Drawn,
  drawIssue,
  type Inspection,
  inspectIssue,
} from '../../sending/inspection/inspect-issue.ts';
import type { DeskContext } from '../desk-context.ts';

/** Looks at an issue; what was drawn lately of the same content may be taken again. */
export type Inspect = (issue: Issue, how?: { afresh: boolean }) => Promise<Inspection>;

/** Which topics readers choose moves slowly: what was drawn is good for the line on *This week* for so long. */
const DRAWN_KEPT_MS = 5 * 60_000;

/** Drawing every variant is the dear part, and follows from content and template: the last one is kept. */
export function createInspector({ db, desk, clock }: DeskContext): Inspect {
  let kept: { key: string; at: number; drawn: Promise<Drawn[]> } | undefined;
  const draw = (issue: Issue, afresh: boolean): Promise<Drawn[]> => {
    const key = `${issue.id} ${issue.planHash} ${issue.template}`;
    if (!afresh && kept?.key === key && performance.now() - kept.at < DRAWN_KEPT_MS) return kept.drawn;
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
