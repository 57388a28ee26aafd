import type { GoneComparison } from '../../comparisons/gone/gone-store.ts';
import type { Notice } from '../../notices/notice-store.ts';
import { longDate } from '../../platform/http/pages/dates.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { summaryOf } from '../checks/checks-page.tsx';
import { GoneComparisons } from '../checks/gone-comparisons.tsx';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { OpenNotices } from '../frame/open-notices.tsx';
import type { WeekProps } from '../writing/edit-form.tsx';
import { AppearanceForm, LinesForm } from '../writing/edit-lines.tsx';
import { Aside, Ballot, OwnRows } from './week-ballot.tsx';
import { IssueActions, stateOf } from './week-state.tsx';

/** The page before the first issue is composed. */
export function emptyPage(
  site: Site,
  session: DeskSession,
  zone: string,
  notices: readonly Notice[],
): string {
  return render(
    <DeskPage site={site} title="This week" session={session} here="/editor">
      <div className="stack">
        <h1>There is no draft yet</h1>
        <p>It is composed by itself, in time for its review. Or now, from what was gathered so far.</p>
      </div>
      <OpenNotices notices={notices} zone={zone} limit={NOTICES} />
      <form method="post" action="/editor/compose">
        <Csrf session={session} />
        <button type="submit">Compose it now</button>
      </form>
    </DeskPage>,
  );
}

/** The most notices on the first page of the desk. */
const NOTICES = 5;

interface WeekPageProps extends WeekProps {
  /** What an approved issue carries although it is gone; the checks of a draft name it, too. */
  gone: readonly GoneComparison[];
  /** On the first page of the desk. */
  notices: readonly Notice[];
}

export function weekPage(site: Site, props: WeekPageProps): string {
  const { session, zone, view, gone, notices } = props;
  const { issue, edited, content } = view;
  const canEdit = issue.plan !== null && (issue.status === 'draft' || issue.status === 'review');
  return render(
    <DeskPage site={site} title={`Issue ${issue.slug}`} session={session} here="/editor">
      <p className="overline">
        {issue.number !== null && `No. ${issue.number} · `}
        <time dateTime={issue.slot}>{longDate(issue.slot)}</time>
      </p>
      <h1>{content?.subject ?? 'No issue'}</h1>
      <div className="stack lit">
        <p>{stateOf(issue, zone)}</p>
        <p className="meta" id="saved" role="status">
          {edited === undefined
            ? `Composed ${formatTime(issue.composedAt, zone)}, and not edited since.`
            : `Saved ${formatTime(edited.at, zone)} by ${edited.who}.`}
        </p>
        {issue.plan?.notes.map((note) => (
          <p className="meta" key={note}>
            {note}
          </p>
        ))}
      </div>
      <OpenNotices
        // What is wrong with this issue is said above.
        notices={notices.filter(({ subject }) => subject !== issue.slug)}
        zone={zone}
        limit={NOTICES}
      />
      {props.checks !== undefined && (
        <p className="checked">
          <a className="tap" href={`/editor/issues/${issue.slug}/checks`}>
            {props.checks === null ? 'Checks: being made' : `Checks: ${summaryOf(props.checks)}`}
          </a>
        </p>
      )}
      <GoneComparisons {...{ session, zone, issue, gone }} />
      <IssueActions issue={issue} isPublisher={session.editor.role === 'publisher'} />
      {view.others.length > 0 && (
        <p className="meta">
          Also open:{' '}
          {view.others.map(({ slug, status }) => (
            <a key={slug} href={`/editor/issues/${slug}`}>{`${slug} (${status}) `}</a>
          ))}
        </p>
      )}
      {content !== null && issue.plan !== null && (
        <>
          {canEdit && <LinesForm {...props} />}
          <Ballot {...props} canEdit={canEdit} />
          <OwnRows {...props} canEdit={canEdit} />
          {canEdit && <Aside {...props} />}
          {canEdit && <AppearanceForm {...props} />}
        </>
      )}
    </DeskPage>,
  );
}
