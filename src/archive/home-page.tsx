import { afterMark, copy, markWord } from '../../emails/words.ts';
import type { GlanceRow } from '../issues/content.ts';
import { longDate } from '../platform/http/pages/dates.ts';
import { Page, render } from '../platform/http/pages/layout.tsx';
import type { Site } from '../platform/site.ts';
import { SignUp, type SignUpForm } from '../subscribers/sign-up/sign-up-page.tsx';
import type { PublishedIssue } from './archive-store.ts';

/** How many verdicts the front page shows; the rest is in the issue. */
const TOP = 5;

type LatestIssue = PublishedIssue & { verdicts: GlanceRow[] };

/** Explains the newsletter, with the sign-up form and the first verdicts of the latest issue. */
export function homePage(site: Site, latest: LatestIssue | undefined, form: SignUpForm): string {
  return render(
    <Page site={site}>
      <p className="lede">
        New AI tools turn up faster than anybody can try them. Every week a panel of reviewers takes them two
        by two and says which one to ship, which one to skip, and where it cannot agree.
      </p>
      <SignUp site={site} form={form} />
      {latest === undefined ? (
        <section>
          <h2>No issue has gone out yet</h2>
          <p>The first one will be here as soon as it is mailed.</p>
        </section>
      ) : (
        <Latest issue={latest} />
      )}
    </Page>,
  );
}

const Latest = ({ issue: { slug, number, date, subject, verdicts } }: { issue: LatestIssue }) => {
  const count = verdicts.length;
  return (
    <section>
      <p className="overline">
        The latest issue · No. {number} · <time dateTime={date}>{longDate(date)}</time>
      </p>
      <h2>
        <a className="headline" href={`/issues/${slug}`}>
          {subject}
        </a>
      </h2>
      <Ballot
        rows={verdicts.slice(0, TOP)}
        caption={count > TOP ? `The first ${TOP} of ${count} verdicts` : 'Its verdicts'}
      />
      <p>
        <a className="tap" href={`/issues/${slug}`}>
          Read the whole issue
        </a>
      </p>
    </section>
  );
};

/** The ten-second table of the issue. */
const Ballot = ({ rows, caption }: { rows: GlanceRow[]; caption: string }) => (
  <table>
    <caption>{caption}</caption>
    <thead>
      <tr>
        <th scope="col">{copy.columns.verdict}</th>
        <th scope="col">{copy.columns.comparison}</th>
        <th scope="col" className="price">
          {copy.columns.entryPrice}
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr key={row.slug}>
          <td>
            <span className={`mark ${row.verdict.mark}`}>
              <b>{markWord[row.verdict.mark]}</b>
            </span>
          </td>
          <th scope="row">
            <span className="verdict">{afterMark(row.verdict)}</span>
            <span className="meta">{row.title}</span>
          </th>
          <td className="price">{row.entryPrice}</td>
        </tr>
      ))}
    </tbody>
  </table>
);
