import type { ReactNode } from 'react';
import { copy, markWord, voteUrl } from '../../../emails/words.ts';
import { day, longDate } from '../../platform/http/pages/dates.ts';
import { Figure } from '../../platform/http/pages/figure.tsx';
import { Page, render } from '../../platform/http/pages/layout.tsx';
import { type ArchivedIssue, comparisonUrl, type Site } from '../../platform/site.ts';
import { SignUp, type SignUpForm } from '../../subscribers/sign-up/sign-up-page.tsx';
import type { StoredComparison } from '../comparison-store.ts';
import type { Call, Comparison, CountedTool, ToolMark } from '../model.ts';
import { title, topics } from '../names.ts';
import { type Change, describeChange } from '../revisions.ts';
import { type LensRow, lensRows, readersOf } from '../side-by-side.ts';
import { toolMarks, verdict } from '../verdict.ts';
import { FROM_SECOND_ISSUE } from '../votes/vote-words.ts';
import { Gone } from './gone.tsx';
import { jsonLd } from './json-ld.ts';
import { Marked, Outcome } from './verdict-mark.tsx';

/** A reader who came from a mail: they can vote, and see their votes. */
export interface Voter {
  token: string;
  /** Their call on each tool so far. */
  calls: readonly [Call | null, Call | null];
  /** Whether their votes count already. */
  isCounted: boolean;
}

export interface ComparisonPage {
  stored: StoredComparison;
  /** The last issue that carried it, and the changes since then; undefined when none has. */
  mailed: { issue: ArchivedIssue; changes: (Change & { at: Date | undefined })[] } | undefined;
  /** The latest issue, for visitors who want more. */
  latest: ArchivedIssue | undefined;
  /** Undefined for a subscribed reader. */
  form: SignUpForm | undefined;
}

/** Two tools side by side: first the outcome, then the figures, then every reviewer. */
export function comparisonPage(site: Site, page: ComparisonPage, voter?: Voter): string {
  const { comparison } = page.stored;
  const { tools } = comparison;
  const outcome = verdict(tools);
  const marks = toolMarks(tools);
  const rows = lensRows(tools);
  return render(
    <Page site={site} title={title(comparison)} head={<Head site={site} stored={page.stored} />} wide>
      <article>
        <p className="overline">AI tool comparison · {topics(comparison).join(' / ')}</p>
        <h1>{title(comparison)}</h1>
        <p>
          <Outcome verdict={outcome} size="large" />
        </p>
        <p className="because">{outcome.because}</p>
        <Dates stored={page.stored} />
        <Gone since={page.stored.goneSince} />
        {voter?.isCounted === false && <p className="notice">{FROM_SECOND_ISSUE}</p>}
        <div className="pair tools">
          {([0, 1] as const).map((side) => (
            <ToolColumn
              key={side}
              tool={tools[side]}
              mark={marks[side]}
              picked={outcome.pick === side}
              source={sourceOf(site, comparison)}
            >
              {voter !== undefined && <Votes voter={voter} comparison={comparison} side={side} />}
            </ToolColumn>
          ))}
        </div>
        {rows.length > 0 && (
          <section>
            <h2>Reviewer scorecard</h2>
            {rows.map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a lens may stand here twice, and nothing moves
              <Lens key={index} row={row} tools={tools} />
            ))}
          </section>
        )}
        {page.mailed !== undefined && <Mailed {...page.mailed} />}
      </article>
      {page.form !== undefined && (
        <SignUp site={site} form={page.form}>
          <Elsewhere latest={page.latest} />
        </SignUp>
      )}
    </Page>,
  );
}

/** Metadata for search engines, link previews and feed readers. */
const Head = ({ site, stored }: { site: Site; stored: StoredComparison }) => {
  const { comparison } = stored;
  const { words, because } = verdict(comparison.tools);
  const url = comparisonUrl(site, comparison.slug);
  const description = `${words}. ${because}`;
  return (
    <>
      <link rel="canonical" href={url} />
      <meta name="description" content={description} />
      <meta property="og:type" content="article" />
      <meta property="og:site_name" content={site.newsletterName} />
      <meta property="og:title" content={`${title(comparison)}: ${words}`} />
      <meta property="og:description" content={description} />
      <meta property="og:url" content={url} />
      {comparison.publishedAt !== null && (
        <meta property="article:published_time" content={stored.since.toISOString()} />
      )}
      <meta property="article:modified_time" content={stored.changedAt.toISOString()} />
      <meta name="twitter:card" content="summary" />
      <script
        type="application/ld+json"
        // biome-ignore lint/security/noDangerouslySetInnerHtml: escaped by jsonLd for exactly this place
        dangerouslySetInnerHTML={{ __html: jsonLd(site, stored) }}
      />
    </>
  );
};

const Dates = ({ stored: { since, changedAt } }: { stored: StoredComparison }) => (
  <p className="meta">
    Compared <time dateTime={since.toISOString()}>{day(since)}</time>
    {day(changedAt) !== day(since) && changedAt > since && (
      <>
        , changed <time dateTime={changedAt.toISOString()}>{day(changedAt)}</time>
      </>
    )}
  </p>
);

interface ToolColumnProps {
  tool: CountedTool;
  mark: ToolMark;
  picked: boolean;
  /** Name of the site whose community voted; null when that is our own site. */
  source: string | null;
  children: ReactNode;
}

/** One side. The recommended tool has a thick rule above it, the other a thin one. */
const ToolColumn = ({ tool, mark, picked, source, children }: ToolColumnProps) => {
  const readers = readersOf(tool);
  return (
    <div className={picked ? 'tool picked' : 'tool'}>
      <p className="meta">{tool.category}</p>
      <h2>
        <Marked mark={mark} size="small">
          {tool.name}
        </Marked>
      </h2>
      <p className="tagline">{tool.tagline}</p>
      <dl className="figures">
        <Figure label={copy.figures.panel} value={tool.panelShip} />
        <Figure
          label={source === null ? copy.figures.community : `${copy.figures.community}, ${source}`}
          value={tool.communityShip}
        />
        {readers !== null && <Figure readers={readers} />}
        <div>
          <dt>{copy.figures.entryPrice}</dt>
          <dd>{tool.entryPrice}</dd>
        </div>
      </dl>
      <p>{tool.description}</p>
      {children}
    </div>
  );
};

/** The host of a site that reports its own community's votes: our readers' votes are shown beside them. */
function sourceOf(site: Site, { url }: Comparison): string | null {
  const { host } = new URL(url);
  return host === new URL(site.publicUrl).host ? null : host;
}

/** A button for each call; the counted one is marked, and pressing the other replaces it. */
const Votes = ({ voter, comparison, side }: { voter: Voter; comparison: Comparison; side: 0 | 1 }) => {
  const { name } = comparison.tools[side];
  const said = voter.calls[side];
  return (
    <div className="votes">
      {(['ship', 'skip'] as const).map((call) => (
        <form key={call} method="post" action={voteUrl(`/vote/${voter.token}`, comparison.slug, side, call)}>
          <button
            type="submit"
            className={said === call ? undefined : 'quiet'}
            aria-label={copy.voteFor(call, name)}
            aria-pressed={said === call}
          >
            {copy.vote[call]}
          </button>
        </form>
      ))}
      {said !== null && <p className="meta">You would {said} it.</p>}
    </div>
  );
};

/** One reviewer's opinion on both tools. */
const Lens = ({ row, tools }: { row: LensRow; tools: Comparison['tools'] }) => (
  <div className="lens">
    <h3>{row.lens}</h3>
    <div className="pair">
      {([0, 1] as const).map((side) => {
        const said = row.sides[side];
        const { name } = tools[side];
        if (said === null) {
          return (
            <p className="meta" key={side}>
              — nothing on {name}
            </p>
          );
        }
        return (
          <figure key={side}>
            <figcaption>
              {said.call !== null && <span className={`call ${said.call}`}>{markWord[said.call]}</span>}{' '}
              {name}
            </figcaption>
            <blockquote>“{said.quote}”</blockquote>
          </figure>
        );
      })}
    </div>
  </div>
);

const Mailed = ({ issue, changes }: NonNullable<ComparisonPage['mailed']>) => (
  <section>
    <h2>
      As mailed in <a href={`/issues/${issue.slug}`}>No. {issue.number}</a>
    </h2>
    <p>
      <time dateTime={issue.date}>{longDate(issue.date)}</time>.{' '}
      {changes.length === 0 ? 'Nothing of it changed since.' : 'Since then:'}
    </p>
    {changes.length > 0 && (
      <ul className="changes">
        {changes.map((change) => (
          <li key={describeChange(change)}>
            {describeChange(change)}
            {change.at !== undefined && (
              <>
                {' '}
                <span className="meta">
                  (<time dateTime={change.at.toISOString()}>{day(change.at)}</time>)
                </span>
              </>
            )}
          </li>
        ))}
      </ul>
    )}
  </section>
);

const Elsewhere = ({ latest }: { latest: ArchivedIssue | undefined }) => (
  <p>
    {latest !== undefined && (
      <>
        <a className="tap" href={`/issues/${latest.slug}`}>
          Read the latest issue, No. {latest.number}
        </a>{' '}
        or{' '}
      </>
    )}
    <a className="tap" href="/issues.atom">
      follow it as a feed
    </a>
    .
  </p>
);
