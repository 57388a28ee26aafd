import { longDate } from '../../platform/http/pages/dates.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { IssueLine } from '../../sending/counters/counter-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { DeskPage } from '../frame/frame.tsx';
import { formatNumber } from '../frame/numbers.ts';

interface IssuesProps {
  session: DeskSession;
  issues: IssueLine[];
  /** Slot from which the next page continues. */
  more: string | undefined;
}

export function issuesPage(site: Site, { session, issues, more }: IssuesProps): string {
  return render(
    <DeskPage site={site} title="Issues" session={session} here="/editor/issues">
      <h1>Issues</h1>
      {issues.length === 0 ? (
        <p className="after">There is none yet.</p>
      ) : (
        <ul className="entries">
          {issues.map((issue) => (
            <Entry key={issue.slug} {...issue} />
          ))}
        </ul>
      )}
      {more !== undefined && (
        <p>
          <a className="tap" href={`/editor/issues?before=${more}`}>
            Earlier
          </a>
        </p>
      )}
    </DeskPage>,
  );
}

const Entry = ({ slug, number, status, slot, subject, ...counts }: IssueLine) => {
  const here = `/editor/issues/${slug}`;
  return (
    <li>
      <p className="meta">
        {number !== null && `No. ${number} · `}
        <time dateTime={slot}>{longDate(slot)}</time> · {status}
      </p>
      <h2>
        <a className="headline" href={here}>
          {subject ?? slug}
        </a>
      </h2>
      {counts.submitted > 0 && (
        <p className="meta">
          {`${formatNumber(counts.submitted)} submitted, ${formatNumber(counts.delivered)} delivered, ` +
            `${formatNumber(counts.bounced)} bounced, ${formatNumber(counts.complained)} complained`}
        </p>
      )}
      {subject !== null && (
        <p>
          <a className="tap" href={`${here}/watch`} aria-label={`How it went out: ${slug}`}>
            How it went out
          </a>
          {' · '}
          <a className="tap" href={`${here}/afterwards`} aria-label={`What became of it: ${slug}`}>
            What became of it
          </a>
        </p>
      )}
    </li>
  );
};
