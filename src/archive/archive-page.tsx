import { longDate } from '../platform/http/pages/dates.ts';
import { Page, render } from '../platform/http/pages/layout.tsx';
import type { Site } from '../platform/site.ts';
import type { PublishedIssue } from './archive-store.ts';

/** Lists every sent issue, newest first. */
export function archivePage(site: Site, issues: PublishedIssue[]): string {
  return render(
    <Page site={site} title="Every issue">
      <h1>Every issue</h1>
      {issues.length === 0 ? (
        <p className="after">
          No issue has gone out yet. The first one will be here as soon as it is mailed.
        </p>
      ) : (
        <ol className="entries" reversed>
          {issues.map(({ slug, number, date, subject, preheader }) => (
            <li key={slug}>
              <p className="meta">
                No. {number} · <time dateTime={date}>{longDate(date)}</time>
              </p>
              <h2>
                <a className="headline" href={`/issues/${slug}`}>
                  {subject}
                </a>
              </h2>
              {preheader !== '' && <p>{preheader}</p>}
            </li>
          ))}
        </ol>
      )}
    </Page>,
  );
}
