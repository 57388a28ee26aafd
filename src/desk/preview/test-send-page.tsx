import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Overline } from '../this-week/week-state.tsx';

interface TestProps {
  session: DeskSession;
  issue: Issue;
  /** How many mails the previous form queued. */
  sent: number | undefined;
}

export function testPage(site: Site, { session, issue, sent }: TestProps): string {
  return render(
    <DeskPage site={site} title="Send a test" session={session}>
      {sent !== undefined && (
        <p className="notice" role="status">
          <strong>{sent === 1 ? 'One test is' : `${sent} tests are`} on the way.</strong>
        </p>
      )}
      <Overline issue={issue} />
      <h1>Send a test</h1>
      <div className="stack">
        <p>
          The same bytes that would go out, with [Test] before the subject and links that belong to nobody. It
          is in no ledger and counts for nothing.
        </p>
      </div>
      <form method="post">
        <Csrf session={session} />
        <label className="field">
          <span>To, up to 20 addresses</span>
          <textarea name="to" required defaultValue={session.editor.email} />
        </label>
        <div className="doings">
          <button type="submit">Send the test</button>
          <a className="button quiet" href={`/editor/issues/${issue.slug}`}>
            Back to the issue
          </a>
        </div>
      </form>
    </DeskPage>,
  );
}
