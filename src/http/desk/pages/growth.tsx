import type { GrowthWeek, Origin } from '../../../subscribers/index.ts';
import { longDate } from '../../pages/dates.ts';
import { render } from '../../pages/layout.tsx';
import type { Site } from '../../site.ts';
import type { Visit } from '../guard.ts';
import { Chart } from './chart.tsx';
import { DeskPage } from './frame.tsx';
import { figure, percent } from './numbers.ts';

interface GrowthProps {
  visit: Visit;
  /** Oldest first. */
  weeks: GrowthWeek[];
  origins: Origin[];
}

export function growthPage(site: Site, { visit, weeks, origins }: GrowthProps): string {
  const joined = weeks.reduce((sum, week) => sum + week.joined, 0);
  const left = weeks.reduce((sum, week) => sum + week.left, 0);
  return render(
    <DeskPage site={site} title="Growth" visit={visit} here="/editor/people">
      <h1>Growth</h1>
      <div className="stack lit">
        <p>{`In half a year ${figure(joined)} joined and ${figure(left)} left.`}</p>
      </div>
      <section>
        <h2>Week by week</h2>
        <div className="two charted">
          <Chart
            id="joined"
            title="Joined, by week"
            desc={`${figure(joined)} in ${weeks.length} weeks.`}
            bars={weeks.map(({ week, joined: value }) => ({ label: week, value }))}
          />
          <table className="log">
            <caption>By week, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Week of</th>
                <th scope="col">Joined</th>
                <th scope="col">Left</th>
              </tr>
            </thead>
            <tbody>
              {weeks.toReversed().map((week) => (
                <tr key={week.week}>
                  <td>{longDate(week.week)}</td>
                  <td>{figure(week.joined)}</td>
                  <td>{figure(week.left)}</td>
                </tr>
              ))}
            </tbody>
          </table>
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
              desc={origins.map(({ source, asked }) => `${source ?? 'our own page'}: ${asked}.`).join(' ')}
              bars={origins.map(({ source, asked }) => ({ label: source ?? '', value: asked }))}
            />
            <table className="log">
              <caption>Sign-ups of half a year, by form</caption>
              <thead>
                <tr>
                  <th scope="col">Form</th>
                  <th scope="col">Asked</th>
                  <th scope="col">Confirmed</th>
                </tr>
              </thead>
              <tbody>
                {origins.map(({ source, asked, confirmed }) => (
                  <tr key={source ?? ''}>
                    <td className="any">{source ?? 'our own page'}</td>
                    <td>{figure(asked)}</td>
                    <td>{`${figure(confirmed)}, ${percent(confirmed, asked)}`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </DeskPage>,
  );
}
