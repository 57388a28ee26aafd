import type { Issue } from '../../issues/issue-store.ts';
import { dueLabel } from '../../issues/slot.ts';
import type { ActionName } from './decisions.ts';

/** The issue that a page is about. */
export const Overline = ({ issue, before = '' }: { issue: Issue; before?: string }) => (
  <p className="overline">
    {before}
    {issue.number !== null && `No. ${issue.number} · `}
    {issue.slug}
  </p>
);

/** The state of the issue and the next step, in one sentence. */
export function stateOf(issue: Issue, zone: string): string {
  const due = dueLabel(issue.dueAt, zone);
  switch (issue.status) {
    case 'draft':
    case 'review':
      if (issue.lateAt !== null)
        return `In review. Its slot, ${due}, has passed: it goes out at once when a publisher approves it. Until then the next issue may carry its comparisons.`;
      if (issue.reason !== null)
        return `In review. ${issue.reason} It goes out ${due}, once a publisher has approved it.`;
      return `In review. It goes out ${due}, once a publisher has approved it.`;
    case 'approved':
      return `Approved. It goes out ${due}.`;
    case 'preparing':
      return 'Its content and its audience are being frozen.';
    case 'sending':
      return 'It is being sent.';
    case 'sent':
      return 'It is sent.';
    case 'paused':
    case 'failed':
      if (issue.lateAt !== null)
        return `Its slot, ${due}, has passed without it. It is ${issue.status}: ${issue.reason ?? 'nobody said why.'} Until somebody sends it, the next issue may carry its comparisons.`;
      return `It is ${issue.status}: ${issue.reason ?? 'nobody said why.'}`;
    case 'skipped':
      return `It is ${issue.status}: ${issue.reason ?? 'nobody said why.'}`;
    case 'cancelled':
      return 'It is cancelled. What was submitted stays submitted.';
  }
}

/** The possible actions, the most likely first; each leads to a page with its numbers. */
const NEXT: Partial<Record<Issue['status'], [action: ActionName, label: string][]>> = {
  draft: [
    ['approve', 'Approve…'],
    ['move', 'Move…'],
    ['cancel', 'Cancel…'],
  ],
  review: [
    ['approve', 'Approve…'],
    ['move', 'Move…'],
    ['cancel', 'Cancel…'],
  ],
  approved: [
    ['send', 'Send now…'],
    ['pause', 'Pause…'],
    ['move', 'Move…'],
    ['take-back', 'Take the approval back…'],
    ['cancel', 'Cancel…'],
  ],
  preparing: [
    ['pause', 'Pause…'],
    ['cancel', 'Cancel…'],
  ],
  sending: [
    ['pause', 'Pause…'],
    ['cancel', 'Cancel…'],
  ],
  paused: [
    ['resume', 'Go on…'],
    ['cancel', 'Cancel…'],
  ],
  failed: [
    ['resume', 'Try again…'],
    ['cancel', 'Cancel…'],
  ],
};

/** For an issue that missed its slot before anybody approved it. */
const NEXT_UNAPPROVED: typeof NEXT.paused = [
  ['approve', 'Approve and send…'],
  ['resume', 'Edit it…'],
  ['cancel', 'Cancel…'],
];

/** The page with its numbers, once there are any. */
const FIGURES: Partial<Record<Issue['status'], [page: string, label: string]>> = {
  preparing: ['watch', 'Watch it go'],
  sending: ['watch', 'Watch it go'],
  paused: ['watch', 'How far it went'],
  failed: ['watch', 'How far it went'],
  cancelled: ['watch', 'How far it went'],
  sent: ['afterwards', 'How it did'],
};

export const IssueActions = ({ issue, isPublisher }: { issue: Issue; isPublisher: boolean }) => {
  const next = issue.resumeTo === 'review' ? NEXT_UNAPPROVED : NEXT[issue.status];
  const [first, ...others] = isPublisher ? (next ?? []) : [];
  const figures = FIGURES[issue.status];
  const here = `/editor/issues/${issue.slug}`;
  return (
    <div className="doings">
      {first !== undefined && (
        <a className="button" href={`${here}/do/${first[0]}`}>
          {first[1]}
        </a>
      )}
      {figures !== undefined && (
        <a className="button quiet" href={`${here}/${figures[0]}`}>
          {figures[1]}
        </a>
      )}
      {issue.plan !== null && (
        <>
          <a className="button quiet" href={`${here}/preview`}>
            Preview
          </a>
          <a className="button quiet" href={`${here}/test`}>
            Send a test
          </a>
        </>
      )}
      {others.map(([action, label]) => (
        <a className="tap" key={action} href={`${here}/do/${action}`}>
          {label}
        </a>
      ))}
    </div>
  );
};
