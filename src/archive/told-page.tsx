import { Outcome } from '../comparisons/pages/verdict-mark.tsx';
import type { ChangedVerdict, ChangeKind, GlanceRow } from '../issues/content.ts';
import { longDate } from '../platform/http/pages/dates.ts';
import { Page, render } from '../platform/http/pages/layout.tsx';
import type { Site } from '../platform/site.ts';
import type { ToldByIssue } from './archive-store.ts';

const HEADINGS: Record<ChangeKind, string> = {
  turned: 'Verdicts that turned',
  price: 'Prices that moved',
  panel: 'Panels that moved',
};

/** Everything that one issue told, also what its mail gave by number only. */
export function toldPage(site: Site, { issue, changed, added }: ToldByIssue): string {
  const { slug, number, date } = issue;
  return render(
    <Page site={site} title={`Everything in No. ${number}`}>
      <p className="overline">
        <time dateTime={date}>{longDate(date)}</time>
      </p>
      <h1>Everything in No. {number}</h1>
      <p className="after">
        <a href={`/issues/${slug}`}>The issue as it was mailed</a>
      </p>
      {(['turned', 'price', 'panel'] as const).map((kind) => (
        <Changes key={kind} title={HEADINGS[kind]} rows={changed.filter((row) => row.kind === kind)} />
      ))}
      {added.length > 0 && (
        <section>
          <h2>New comparisons</h2>
          <ul className="entries">
            {added.map((row) => (
              <Added key={row.slug} row={row} />
            ))}
          </ul>
        </section>
      )}
    </Page>,
  );
}

const Changes = ({ title, rows }: { title: string; rows: ChangedVerdict[] }) =>
  rows.length > 0 && (
    <section>
      <h2>{title}</h2>
      <ul className="entries">
        {rows.map(({ slug, title: name, was, now, whatMoved, kind }) => (
          <li key={slug}>
            <h3>
              <Comparison slug={slug} title={name} />
            </h3>
            <p>
              <Outcome verdict={now} size="small" />
            </p>
            {kind === 'turned' && <p className="meta">Was: {was.words}</p>}
            <p>{whatMoved}</p>
          </li>
        ))}
      </ul>
    </section>
  );

const Added = ({ row }: { row: GlanceRow }) => (
  <li>
    <h3>
      <Comparison slug={row.slug} title={row.title} />
    </h3>
    <p>
      <Outcome verdict={row.verdict} size="small" />
    </p>
    <p className="meta">{row.entryPrice}</p>
  </li>
);

const Comparison = ({ slug, title }: { slug: string; title: string }) => (
  <a className="headline" href={`/comparisons/${encodeURIComponent(slug)}`}>
    {title}
  </a>
);
