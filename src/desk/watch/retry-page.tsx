import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { FailedReason } from '../../sending/retries/retry-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { count, formatNumber } from '../frame/numbers.ts';
import { Table } from '../frame/table.tsx';
import { Overline } from '../this-week/week-state.tsx';

/** Why readers did not get an issue, each reason with a link to its retry. */
export const Failed = ({ slug, reasons }: { slug: string; reasons: readonly FailedReason[] }) => (
  <section id="failed">
    <h2>Failed</h2>
    <p>
      The provider refused their messages. Whoever has left since, or has the issue after all, is not asked
      again.
    </p>
    <Table
      label="Failed, by reason"
      columns={[
        { head: 'Reason', isHead: true, breaks: true, cell: ({ reason }) => reason },
        { head: 'Readers', cell: ({ readers }) => formatNumber(readers) },
        {
          head: 'Another chance',
          cell: ({ reason, retryable }) =>
            retryable === 0 ? (
              'for nobody'
            ) : (
              <a
                href={`/editor/issues/${slug}/retry?${new URLSearchParams({ reason })}`}
                aria-label={`Try again: ${reason}`}
              >{`Try again with ${formatNumber(retryable)}…`}</a>
            ),
        },
      ]}
      rows={reasons}
    />
  </section>
);

interface RetryProps {
  session: DeskSession;
  issue: Issue;
  reason: FailedReason;
}

/** Asks whether the readers of one reason are to be mailed, with their number. */
export function retryPage(site: Site, { session, issue, reason }: RetryProps): string {
  const people = count(reason.retryable, 'reader');
  const back = `/editor/issues/${issue.slug}/watch`;
  return render(
    <DeskPage site={site} title="Try again?" session={session} here="/editor/issues">
      <Overline issue={issue} />
      <h1>{`Try again with ${people}?`}</h1>
      <div className="stack lit">
        <p>
          <strong>{`It goes to ${people}, ${issue.status === 'paused' || issue.status === 'failed' ? 'when the issue goes on' : 'from now'}. Nobody gets it twice.`}</strong>
        </p>
        <p>{`The provider refused their messages: ${reason.reason}. If that has not been mended, it refuses them again.`}</p>
      </div>
      {session.editor.role === 'publisher' ? (
        <form method="post" action={`/editor/issues/${issue.slug}/retry`}>
          <Csrf session={session} />
          <input type="hidden" name="reason" value={reason.reason} />
          <input type="hidden" name="readers" value={reason.retryable} />
          <div className="doings">
            <button type="submit">{`Try again with ${people}`}</button>
            <a className="button quiet" href={back}>
              Back, and change nothing
            </a>
          </div>
        </form>
      ) : (
        <p className="notice after">That takes a publisher; you are signed in as an editor.</p>
      )}
    </DeskPage>,
  );
}
