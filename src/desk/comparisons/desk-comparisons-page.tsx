import { entryPrices, topics } from '../../comparisons/names.ts';
import { Outcome } from '../../comparisons/pages/verdict-mark.tsx';
import { verdict } from '../../comparisons/verdict.ts';
import type { ListedComparison } from '../../comparisons/visibility-store.ts';
import type { SetAside } from '../../comparisons/votes/vote-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { count, formatNumber } from '../frame/numbers.ts';
import { Table } from '../frame/table.tsx';
import { REASON_MAX_LENGTH } from '../this-week/decisions.ts';

interface ComparisonsProps {
  session: DeskSession;
  zone: string;
  list: {
    found: ListedComparison[];
    /** The search text; empty: everything. */
    search: string;
    /** Whether only taken-down comparisons are listed. */
    isHidden: boolean;
    /** Slug from which the next page continues. */
    next: string | undefined;
  };
  /** Votes that wait for a decision. */
  setAside: SetAside[];
}

const STATE: Record<ListedComparison['state'], string> = {
  public: 'public',
  waiting: 'waits for an issue',
  hidden: 'taken down',
};

/** Lists all comparisons with their public state. */
export function comparisonsPage(site: Site, { session, zone, list, setAside }: ComparisonsProps): string {
  const { found, search, isHidden, next } = list;
  return render(
    <DeskPage site={site} title="Comparisons" session={session} here="/editor/comparisons">
      <h1>Comparisons</h1>
      {setAside.length > 0 && <Votes session={session} zone={zone} setAside={setAside} />}
      <form method="get" action="/editor/comparisons" className="inline">
        <label className="field">
          <span>A tool, or a part of its name</span>
          <input name="find" defaultValue={search} maxLength={240} autoComplete="off" spellCheck={false} />
        </label>
        {isHidden && <input type="hidden" name="only" value="hidden" />}
        <div className="doings">
          <button type="submit">Search</button>
        </div>
      </form>
      <ul className="topics">
        <View name="All" href={address({ search })} isCurrent={!isHidden} />
        <View name="Taken down" href={address({ search, isHidden: true })} isCurrent={isHidden} />
      </ul>
      {found.length === 0 ? (
        <p className="notice after" role="status">
          {isHidden
            ? 'Nothing is taken down.'
            : search === ''
              ? 'Nothing was gathered yet.'
              : 'No tool is called like that.'}
        </p>
      ) : (
        <Table
          label="Comparisons, newest first"
          columns={[
            { head: 'Since', cell: ({ since }) => formatTime(since, zone) },
            {
              head: 'Comparison',
              cell: ({ slug, title }) => (
                <a href={`/editor/comparisons/${encodeURIComponent(slug)}`}>{title}</a>
              ),
              breaks: true,
              isHead: true,
            },
            {
              head: 'Strangers see it',
              cell: ({ state, hidden, gone }) =>
                (hidden === null ? STATE[state] : `${STATE[state]}: ${hidden.reason}`) +
                (gone === null ? '' : `; no longer on the site since ${formatTime(gone.since, zone)}`),
              breaks: true,
            },
          ]}
          rows={found}
        />
      )}
      {next !== undefined && (
        <p>
          <a className="tap" href={address({ search, isHidden, after: next })}>
            Older
          </a>
        </p>
      )}
    </DeskPage>,
  );
}

/** Bursts of votes from one network: each is counted or discarded as a whole. */
const Votes = ({ session, zone, setAside }: { session: DeskSession; zone: string; setAside: SetAside[] }) => (
  <section>
    <h2>Votes set aside</h2>
    <p>
      Many votes on one tool came from one network within an hour: an office, a mobile network, or one person
      with many addresses. They are not counted until somebody decides.
    </p>
    <ul className="aside">
      {setAside.map(({ tool, slug, ship, skip, networks, firstAt, lastAt, until }) => (
        <li key={tool}>
          <p>
            <a href={`/editor/comparisons/${encodeURIComponent(slug)}`}>{tool}</a>
            {`: ${count(ship + skip, 'vote')}, ${formatNumber(ship)} ship and ${formatNumber(skip)} skip`}
          </p>
          <p className="meta">
            {[
              formatTime(firstAt, zone) === formatTime(lastAt, zone)
                ? formatTime(firstAt, zone)
                : `${formatTime(firstAt, zone)} to ${formatTime(lastAt, zone)}`,
              ...(networks > 0 ? [count(networks, 'network')] : []),
            ].join(' · ')}
          </p>
          <form method="post" action="/editor/comparisons/votes" className="doings">
            <Csrf session={session} />
            <input type="hidden" name="tool" value={tool} />
            <input type="hidden" name="until" value={until} />
            <button
              type="submit"
              className="word"
              name="decision"
              value="count"
              aria-label={`Count them: ${tool}`}
            >
              Count them
            </button>
            <button
              type="submit"
              className="word"
              name="decision"
              value="discard"
              aria-label={`Discard them: ${tool}`}
            >
              Discard them
            </button>
          </form>
        </li>
      ))}
    </ul>
  </section>
);

const View = ({ name, href, isCurrent }: { name: string; href: string; isCurrent: boolean }) => (
  <li>
    <a className="tap" href={href} {...(isCurrent && { 'aria-current': 'page' })}>
      {name}
    </a>
  </li>
);

function address({
  search,
  isHidden = false,
  after,
}: {
  search: string;
  isHidden?: boolean;
  after?: string;
}): string {
  const query = new URLSearchParams({
    ...(search === '' ? {} : { find: search }),
    ...(isHidden ? { only: 'hidden' } : {}),
    ...(after === undefined ? {} : { after }),
  }).toString();
  return `/editor/comparisons${query && `?${query}`}`;
}

interface ComparisonProps {
  session: DeskSession;
  zone: string;
  listed: ListedComparison;
  /** What happened to its issues when it was taken down. */
  issues: string[];
}

/** One comparison: its public state, and how to change that. */
export function comparisonPage(site: Site, { session, zone, listed, issues }: ComparisonProps): string {
  const { slug, comparison, title, since, state, hidden, gone } = listed;
  const here = `/editor/comparisons/${encodeURIComponent(slug)}`;
  return render(
    <DeskPage site={site} title={title} session={session} here="/editor/comparisons">
      <p className="overline">{topics(comparison).join(' / ')}</p>
      <h1>{title}</h1>
      <p className="after">
        <Outcome verdict={verdict(comparison.tools)} size="small" />
      </p>
      <dl className="facts">
        <Fact name="Since">{formatTime(since, zone)}</Fact>
        <Fact name="Entry prices">{entryPrices(comparison.tools)}</Fact>
        <Fact name="Comes from">{comparison.url}</Fact>
        <Fact name="Strangers see it">{STATE[state]}</Fact>
        {gone !== null && (
          <Fact name="No longer on the site">{`since ${formatTime(gone.since, zone)}: ${gone.reason}`}</Fact>
        )}
      </dl>
      <p>
        <a className="tap" href={`${here}/page`}>
          {state === 'public' ? 'Look at its page' : 'Look at its page, as strangers would see it'}
        </a>
      </p>
      {hidden === null ? (
        <Hide session={session} here={here} />
      ) : (
        <Show {...{ session, zone, here, hidden, issues }} />
      )}
    </DeskPage>,
  );
}

const Fact = ({ name, children }: { name: string; children: string }) => (
  <div>
    <dt>{name}</dt>
    <dd className="any">{children}</dd>
  </div>
);

const Hide = ({ session, here }: { session: DeskSession; here: string }) => (
  <section>
    <h2>Take it down</h2>
    <p>
      Its page says that it is gone, lists and feeds drop it, and no issue carries it any more: a draft is
      composed without it, an approval is taken back. What was mailed stays as it was, under a notice. No
      source and no push brings it back.
    </p>
    <form method="post" action={`${here}/hide`}>
      <Csrf session={session} />
      <label className="field">
        <span>Why, for the log and the other editors</span>
        <input name="reason" maxLength={REASON_MAX_LENGTH} autoComplete="off" required />
      </label>
      <div className="doings">
        <button type="submit">Take it down</button>
      </div>
    </form>
  </section>
);

const Show = ({
  session,
  zone,
  here,
  hidden,
  issues,
}: {
  session: DeskSession;
  zone: string;
  here: string;
  hidden: NonNullable<ListedComparison['hidden']>;
  issues: string[];
}) => (
  <section>
    <h2>It is taken down</h2>
    <div className="stack lit">
      <p>
        <strong>{hidden.reason}</strong>
      </p>
      <p className="meta">{`${hidden.who}, ${formatTime(hidden.at, zone)}`}</p>
    </div>
    {issues.length > 0 && (
      <ul className="aside">
        {issues.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    )}
    <form method="post" action={`${here}/show`}>
      <Csrf session={session} />
      <button type="submit">Show it again</button>
    </form>
  </section>
);
