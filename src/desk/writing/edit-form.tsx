import type { ReactNode } from 'react';
import type { Comparison } from '../../comparisons/model.ts';
import type { IssueContent } from '../../issues/content.ts';
import type { Choices } from '../../issues/edit.ts';
import type { Excluded, Issue } from '../../issues/issue-store.ts';
import type { PanelCheck } from '../../sending/inspection/check-panel.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { Csrf } from '../frame/frame.tsx';

/** An issue as the desk shows it. */
export interface WeekView {
  issue: Issue;
  choices: Choices;
  edited: { who: string; at: Date } | undefined;
  /** The general variant; null while the slot is skipped. */
  content: IssueContent | null;
  /** The same with the default subject and preheader. */
  ours: IssueContent | null;
  held: Comparison[];
  leftOut: Excluded[];
  addable: { comparison: Comparison; why: string }[];
  /** How many more could be added. */
  furtherAddable: number;
  /** Other issues whose status is not final. */
  others: Issue[];
}

export interface WeekProps {
  session: DeskSession;
  /** The checks of a draft that can still be edited; null while they are being made. */
  checks?: readonly PanelCheck[] | null | undefined;
  zone: string;
  view: WeekView;
}

/** A form about a draft; it contains the revision of the draft that was shown. */
export const EditForm = ({
  session,
  view: { issue },
  slug,
  children,
  className,
}: WeekProps & { slug?: string; children: ReactNode; className?: string }) => (
  <form method="post" action={`/editor/issues/${issue.slug}/edit`} className={className} data-edit="">
    <Csrf session={session} />
    <input type="hidden" name="revision" value={issue.revision} />
    {slug !== undefined && <input type="hidden" name="slug" value={slug} />}
    {children}
  </form>
);
