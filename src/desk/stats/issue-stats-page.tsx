import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { IssueCounters, Outcomes } from '../../sending/counters/counter-store.ts';
import type { Progress } from '../../sending/progress.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { DeskPage } from '../frame/frame.tsx';
import { count, formatNumber, percent } from '../frame/numbers.ts';
import { Counters, Table } from '../frame/table.tsx';
import { Overline, stateOf } from '../this-week/week-state.tsx';
import { Chart } from './chart.tsx';

interface IssueStatsProps {
  session: DeskSession;
  zone: string;
  issue: Issue;
  progress: Progress;
  figures: IssueCounters;
  outcomes: Outcomes;
}

export function issueStatsPage(site: Site, props: IssueStatsProps): string {
  const { session, zone, issue, progress, figures, outcomes } = props;
  const here = `/editor/issues/${issue.slug}`;
  const { submitted } = progress;
  const share = (value: number, words: string) =>
    [
      value,
      <>
        {words} <span className="meta">{percent(value, submitted)} of the submitted</span>
      </>,
    ] as const;
  return render(
    <DeskPage site={site} title={`Afterwards: ${issue.slug}`} session={session} here="/editor/issues">
      <Overline issue={issue} />
      <h1>What became of it</h1>
      <div className="stack lit">
        <p>{stateOf(issue, zone)}</p>
      </div>
      <Counters
        rows={[
          [submitted, 'submitted'],
          share(figures.delivered, 'delivered'),
          share(figures.bouncedHard, 'bounced: the address is gone'),
          share(figures.bouncedSoft, 'bounced: out of reach'),
          share(figures.complained, 'complained'),
          share(figures.left, 'left before the next issue'),
          [outcomes.votes, 'votes on its comparisons before the next issue'],
          // Clicks are only counted if the provider is configured for it.
          ...(figures.clicked > 0 ? [share(figures.clicked, 'clicked')] : []),
        ]}
      />
      <div className="doings">
        <a className="button quiet" href={`${here}/afterwards.csv`}>
          Download as CSV
        </a>
        <a className="tap" href={`${here}/watch`}>
          How it went out
        </a>
        <a className="tap" href={here}>
          The issue
        </a>
      </div>
      <Hours zone={zone} outcomes={outcomes} />
      <Variants outcomes={outcomes} />
    </DeskPage>,
  );
}

/** The most rows of a table before the rest becomes one row. */
const SHOWN = 24;

const Hours = ({ zone, outcomes: { hours } }: Pick<IssueStatsProps, 'zone' | 'outcomes'>) => {
  const [first] = hours;
  if (first === undefined) return null;
  const busiest = hours.reduce((a, b) => (b.delivered > a.delivered ? b : a));
  const shown = hours.slice(0, SHOWN);
  const later = hours.slice(SHOWN).reduce((sum, { delivered }) => sum + delivered, 0);
  return (
    <section>
      <h2>Over time</h2>
      <div className="two charted">
        <Chart
          id="hours"
          title="Delivered, by hour"
          desc={`From ${formatTime(first.hour, zone)}, most in the hour from ${formatTime(busiest.hour, zone)}: ${formatNumber(busiest.delivered)}.`}
          bars={shown.map(({ hour, delivered }) => ({ label: hour.toISOString(), value: delivered }))}
        />
        <Table
          caption={`Delivered, by hour; times in ${zone}`}
          columns={[
            { head: 'From', cell: ({ from }) => from },
            { head: 'Delivered', cell: ({ delivered }) => formatNumber(delivered) },
          ]}
          rows={[
            ...shown.map(({ hour, delivered }) => ({ from: formatTime(hour, zone), delivered })),
            ...(later > 0 ? [{ from: 'Later', delivered: later }] : []),
          ]}
        />
      </div>
    </section>
  );
};

const Variants = ({ outcomes: { variants } }: Pick<IssueStatsProps, 'outcomes'>) =>
  variants.length === 0 ? null : (
    <section>
      <h2>By variant</h2>
      <div className="two charted">
        <Chart
          id="variants"
          title="Submitted, by variant"
          desc={variants
            .map(({ variant, submitted }) => `Variant ${variant}: ${count(submitted, 'reader')}.`)
            .join(' ')}
          bars={variants.map(({ variant, submitted }) => ({ label: String(variant), value: submitted }))}
        />
        <table className="log">
          <caption>Submitted, and what became of it</caption>
          <thead>
            <tr>
              <th scope="col">Submitted</th>
              <th scope="col">Delivered</th>
              <th scope="col">Bounced</th>
              <th scope="col">Complained</th>
            </tr>
          </thead>
          {variants.map(({ variant, subject, submitted, delivered, bounced, complained }) => (
            <tbody key={variant}>
              <tr>
                <th scope="rowgroup" colSpan={4} className="any">
                  {variant}: {subject}
                </th>
              </tr>
              <tr>
                <td>{formatNumber(submitted)}</td>
                <td>{formatNumber(delivered)}</td>
                <td>{formatNumber(bounced)}</td>
                <td>{formatNumber(complained)}</td>
              </tr>
            </tbody>
          ))}
        </table>
      </div>
    </section>
  );
