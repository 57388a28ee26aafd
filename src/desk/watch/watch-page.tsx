import { renderToStaticMarkup } from 'react-dom/server';
import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { Progress } from '../../sending/progress.ts';
import type { FailedReason } from '../../sending/retries/retry-store.ts';
import type { UnsettledBatch } from '../../sending/settlements/settlement-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { count, formatNumber, reasonOf } from '../frame/numbers.ts';
import { Counters } from '../frame/table.tsx';
import { Overline, stateOf } from '../this-week/week-state.tsx';
import { Failed } from './retry-page.tsx';

/** An issue and its counters at one moment. */
export interface WatchStatus {
  issue: Issue;
  progress: Progress;
  /** Deliveries per second, over the last minute. */
  rate: number;
}

interface WatchProps {
  session: DeskSession;
  zone: string;
  status: WatchStatus;
  uncertain: UnsettledBatch[];
  /** Why readers did not get it. */
  failed: FailedReason[];
  /** The script that updates the numbers; undefined when the issue is not being sent. */
  script: string | undefined;
}

export function watchPage(
  site: Site,
  { session, zone, status, uncertain, failed, script }: WatchProps,
): string {
  const { issue } = status;
  const here = `/editor/issues/${issue.slug}`;
  return render(
    <DeskPage site={site} title={`Watch ${issue.slug}`} session={session} here="/editor/issues">
      <Overline issue={issue} />
      <h1>Watch it go</h1>
      <div className="stack lit">
        <p>{stateOf(issue, zone)}</p>
      </div>
      <div id="progress" {...(script !== undefined && { 'data-events': `${here}/watch/events` })}>
        <Figures {...status} />
      </div>
      <div className="doings">
        {script !== undefined && (
          <a className="button quiet" href={`${here}/watch`}>
            Refresh
          </a>
        )}
        {script !== undefined && session.editor.role === 'publisher' && (
          <a className="tap" href={`${here}/do/pause`}>
            Pause…
          </a>
        )}
        <a className="tap" href={`${here}/afterwards`}>
          What became of it
        </a>
        <a className="tap" href={here}>
          The issue
        </a>
      </div>
      {uncertain.length > 0 && (
        <Uncertain session={session} zone={zone} slug={issue.slug} batches={uncertain} />
      )}
      {failed.length > 0 && <Failed slug={issue.slug} reasons={failed} />}
      {script !== undefined && <script src={script} defer />}
    </DeskPage>,
  );
}

/** The changing part of the page alone; on one line, as an event requires. */
export function progressHtml(status: WatchStatus): string {
  return renderToStaticMarkup(<Figures {...status} />).replaceAll('\n', ' ');
}

const Figures = ({ issue, progress, rate }: WatchStatus) => {
  const { audience, prepared, submitted, excluded, failed, uncertain } = progress;
  if (audience === 0) return <p className="after">Nobody is on its list yet.</p>;
  const done = audience - prepared - uncertain;
  return (
    <>
      <div className="going">
        <svg width="100%" height="12" role="img" aria-labelledby="going">
          <title id="going">{`${formatNumber(done)} of ${formatNumber(audience)} settled`}</title>
          <rect width={`${(100 * done) / audience}%`} height="12" />
        </svg>
        <p className="meta">
          {`${formatNumber(done)} of ${count(audience, 'person', 'people')} settled`}
          {issue.status === 'sending' && ` · ${pace(prepared, rate)}`}
        </p>
      </div>
      <Counters
        rows={[
          [submitted, 'submitted: the provider has accepted it for them'],
          [prepared, 'to go'],
          ...reasons('excluded', excluded),
          ...reasons('failed', failed),
          ...(uncertain > 0 ? [[uncertain, 'uncertain: the provider’s answer was lost'] as const] : []),
        ]}
      />
    </>
  );
};

function reasons(kind: 'excluded' | 'failed', by: Record<string, number>): [number, string][] {
  return Object.entries(by)
    .filter(([, value]) => value > 0)
    .map(([reason, value]) => [value, `${kind}: ${reasonOf(reason)}`]);
}

/** "21 a second, about 3 minutes left". */
function pace(prepared: number, rate: number): string {
  if (rate === 0) return 'nothing was submitted in the last minute';
  const speed = `${rate >= 10 ? formatNumber(Math.round(rate)) : rate.toFixed(1)} a second`;
  if (prepared === 0) return speed;
  const seconds = prepared / rate;
  if (seconds < 60) return `${speed}, less than a minute left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120
    ? `${speed}, about ${count(minutes, 'minute')} left`
    : `${speed}, about ${count(Math.round(minutes / 60), 'hour')} left`;
}

interface UncertainProps {
  session: DeskSession;
  zone: string;
  slug: string;
  batches: UnsettledBatch[];
}

/** The evidence about uncertain batches, and the two possible decisions. */
const Uncertain = ({ session, zone, slug, batches }: UncertainProps) => (
  <section id="uncertain">
    <h2>Uncertain</h2>
    <p>
      They were handed over, and no answer came. An event of the provider settles each of them by itself.
      After a day without one, look at the provider for a message of the batch, by the tag “batch”, and say
      here what you found.
    </p>
    <ul className="aside after">
      {batches.map((batch) => (
        <li key={batch.id}>
          <h3>{`Batch ${batch.number}: ${count(batch.deliveries, 'reader')}`}</h3>
          <dl className="facts">
            <div>
              <dt>Handed over</dt>
              <dd>{formatTime(batch.claimedAt, zone)}</dd>
            </div>
            <div>
              <dt>What happened</dt>
              <dd>{batch.reason ?? 'no answer'}</dd>
            </div>
            <div>
              <dt>Its tag and key</dt>
              <dd>{`${batch.id}, batch/${batch.id}/r${batch.revision}`}</dd>
            </div>
            <div>
              <dt>Events about it</dt>
              <dd>
                {batch.events === 0
                  ? batch.overdue
                    ? 'none in a day: none will come'
                    : 'none yet'
                  : `${count(batch.events, 'event')}: it is settled in a moment`}
              </dd>
            </div>
            <div>
              <dt>Left since</dt>
              <dd>{count(batch.left, 'reader')}</dd>
            </div>
          </dl>
          {session.editor.role === 'publisher' ? (
            <div className="two choices">
              <Choice
                {...{ session, slug, batch }}
                decision="accepted"
                label={`It was accepted: batch ${batch.number}`}
              >
                One of its messages is at the provider. Everybody in it is taken for mailed, and nobody is
                mailed again. If that is wrong, they never get the issue.
              </Choice>
              {batch.notBefore === null ? (
                <Choice
                  {...{ session, slug, batch }}
                  decision="not-accepted"
                  label={`It was not accepted: batch ${batch.number}`}
                >
                  The provider certainly has none of them. It goes out once more, without those who left. If
                  that is wrong, they get the issue twice.
                </Choice>
              ) : (
                <p>
                  A request may still be on its way to the provider. Whether it was not accepted is known
                  after {formatTime(batch.notBefore, zone)}.
                </p>
              )}
            </div>
          ) : (
            <p className="notice after">Settling it takes a publisher; you are signed in as an editor.</p>
          )}
        </li>
      ))}
    </ul>
  </section>
);

interface ChoiceProps {
  session: DeskSession;
  slug: string;
  batch: UnsettledBatch;
  decision: 'accepted' | 'not-accepted';
  label: string;
  children: string;
}

const Choice = ({ session, slug, batch, decision, label, children }: ChoiceProps) => (
  <form method="post" action={`/editor/issues/${slug}/settle`}>
    <Csrf session={session} />
    <input type="hidden" name="batch" value={batch.id} />
    <p id={`${decision}-${batch.id}`}>{children}</p>
    <button
      type="submit"
      name="decision"
      value={decision}
      className="quiet after"
      aria-describedby={`${decision}-${batch.id}`}
    >
      {label}
    </button>
  </form>
);
