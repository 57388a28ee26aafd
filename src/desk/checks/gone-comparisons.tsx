import type { GoneComparison } from '../../comparisons/gone/gone-store.ts';
import type { Issue } from '../../issues/issue-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf } from '../frame/frame.tsx';

interface Props {
  session: DeskSession;
  zone: string;
  issue: Issue;
  gone: readonly GoneComparison[];
}

/** What the issue carries and its site no longer has: it does not go out with it. */
export const GoneComparisons = ({ session, zone, issue, gone }: Props) => {
  if (gone.length === 0) return null;
  const isOpen = issue.status === 'draft' || issue.status === 'review';
  return (
    <section id="gone">
      <h2>No longer on the site</h2>
      <p>The issue does not go out while it carries what readers cannot open.</p>
      <ul className="aside">
        {gone.map(({ slug, title, url, since, reason }) => (
          <li key={slug}>
            <a href={url} rel="noreferrer">
              {title}
            </a>{' '}
            <span className="meta">{`it ${reason}, since ${formatTime(since, zone)}`}</span>
          </li>
        ))}
      </ul>
      <form method="post" action={`/editor/issues/${issue.slug}/checks/leave-out-gone`}>
        <Csrf session={session} />
        <button type="submit">{isOpen ? 'Leave it out' : 'Take the approval back, and leave it out'}</button>
      </form>
    </section>
  );
};
