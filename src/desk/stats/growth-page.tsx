import { longDate } from '../../platform/http/pages/dates.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { GrowthWeek, Origin } from '../../subscribers/people-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { DeskPage } from '../frame/frame.tsx';
import { formatNumber, percent } from '../frame/numbers.ts';
import { Table } from '../frame/table.tsx';
import { Chart } from './chart.tsx';

interface GrowthProps {
  session: DeskSession;
  /** Oldest first. */
  weeks: GrowthWeek[];
  origins: Origin[];
}

export function growthPage(site: Site, { session, weeks, origins }: GrowthProps): string {
  const joined = weeks.reduce((sum, week) => sum + week.joined, 0);
  const left = weeks.reduce((sum, week) => sum + week.left, 0);
  return render(
    <DeskPage site={site} title="Growth" session={session} here="/editor/people">
      <h1>Growth</h1>
      <div className="stack lit">
        <p>{`In half a year ${formatNumber(joined)} joined and ${formatNumber(left)} left.`}</p>
      </div>
      <section>
        <h2>Week by week</h2>
        <div className="two charted">
          <Chart
            id="joined"
            title="Joined, by week"
            desc={`${formatNumber(joined)} in ${weeks.length} weeks.`}
            bars={weeks.map(({ week, joined: value }) => ({ label: week, value }))}
          />
          <Table
            caption="By week, the newest first"
            columns={[
              { head: 'Week of', cell: ({ week }) => longDate(week) },
              { head: 'Joined', cell: ({ joined }) => formatNumber(joined) },
              { head: 'Left', cell: ({ left }) => formatNumber(left) },
            ]}
            rows={weeks.toReversed()}
          />
        </div>
      </section>
      <section>
        <h2>Where they signed up</h2>
        {origins.length === 0 ? (
          <p>Nobody signed up by a form in half a year.</p>
        ) : (
          <div className="two charted">
            <Chart
              id="origins"
              title="Sign-ups, by form"
              desc={origins.map((each) => `${nameOf(each)}: ${formatNumber(each.asked)}.`).join(' ')}
              bars={origins.map(({ source, asked }) => ({ label: source ?? '', value: asked }))}
            />
            <Table
              caption="Sign-ups of half a year, by form"
              columns={[
                { head: 'Form', cell: nameOf, breaks: true },
                { head: 'Asked', cell: ({ asked }) => formatNumber(asked) },
                {
                  head: 'Confirmed',
                  cell: ({ asked, confirmed }) => `${formatNumber(confirmed)}, ${percent(confirmed, asked)}`,
                },
              ]}
              rows={origins}
            />
          </div>
        )}
      </section>
    </DeskPage>,
  );
}

const nameOf = ({ source }: Origin): string => source ?? 'our own page';
