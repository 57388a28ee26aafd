import { copy, markWord, voteUrl } from '../../../emails/words.ts';
import { Figure } from '../../platform/http/pages/figure.tsx';
import { Page, render } from '../../platform/http/pages/layout.tsx';
import { comparisonUrl, type Site } from '../../platform/site.ts';
import type { Call, CountedComparison } from '../model.ts';
import { title } from '../names.ts';
import { readersOf } from '../side-by-side.ts';
import type { VoteState } from './vote-store.ts';
import { FROM_SECOND_ISSUE, worthOf } from './vote-words.ts';

/** The vote that a link contains: this reader would ship, or skip, this tool. */
export interface Choice {
  token: string;
  comparison: CountedComparison;
  side: 0 | 1;
  call: Call;
}

const other: Record<Call, Call> = { ship: 'skip', skip: 'ship' };

/** Says what will be counted; has one button. */
export function votePage(
  site: Site,
  { token, comparison, side, call }: Choice,
  { before, isCounted }: { before: Call | null; isCounted: boolean },
): string {
  const { name, tagline } = comparison.tools[side];
  return render(
    <Page site={site} title={copy.voteFor(call, name)}>
      <div className="stack">
        <p className="overline">{title(comparison)}</p>
        <h1>
          Would you {call} {name}?
        </h1>
        <p>{tagline}</p>
        {before !== null && (
          <p>
            So far you say <strong>{markWord[before]}</strong>. Each reader has one vote a tool; the last one
            counts.
          </p>
        )}
      </div>
      <form method="post">
        <button type="submit" className={call === 'skip' ? 'quiet' : undefined}>
          Yes, {call} it
        </button>
      </form>
      <p className="after">
        <a className="tap" href={voteUrl(`/vote/${token}`, comparison.slug, side, other[call])}>
          No, I would {other[call]} it
        </a>
      </p>
      {!isCounted && <p className="after">{FROM_SECOND_ISSUE}</p>}
      <p className="meta after">Nothing is counted until you press the button. Nobody sees who voted how.</p>
    </Page>,
  );
}

/** Says what counts now, or why it does not count yet, and how to change it. */
export function votedPage(site: Site, { token, comparison, side, call }: Choice, state: VoteState): string {
  const tool = comparison.tools[side];
  const against = comparison.tools[side === 0 ? 1 : 0];
  const readers = readersOf(tool);
  const start = `/vote/${token}`;
  const { word, more } = worthOf(state, tool.name);
  return render(
    <Page site={site} title={state === 'counted' ? 'Your vote counts' : 'Your vote is kept'}>
      <p className="notice" role="status">
        <strong>{word}</strong> You would {call} {tool.name}.{more !== null && ` ${more}`}
      </p>
      <h1>{tool.name}</h1>
      <dl className="figures">
        <Figure label={copy.figures.panel} value={tool.panelShip} />
        {readers !== null && <Figure readers={readers} />}
      </dl>
      <p>
        <a className="tap" href={voteUrl(start, comparison.slug)}>
          Read on, and vote on {against.name}
        </a>
      </p>
      <form method="post" action={voteUrl(start, comparison.slug, side, other[call])}>
        <button type="submit" className="quiet">
          Change my vote: {other[call]}
        </button>
      </form>
    </Page>,
  );
}

/** For unsubscribed people: friendly, and without a way to vote. */
export function votersOnlyPage(site: Site, comparison: CountedComparison): string {
  return render(
    <Page site={site} title="Votes are for readers">
      <div className="stack">
        <h1>Votes are for readers</h1>
        <p>You are not on the list at the moment, so this vote would not be counted. Nothing was changed.</p>
        <p>
          <a className="tap" href={comparisonUrl({ publicUrl: '' }, comparison.slug)}>
            Read {title(comparison)}
          </a>{' '}
          all the same.
        </p>
      </div>
    </Page>,
  );
}

/** For links without a token, such as those in the archive. */
export function votingHelpPage(site: Site): string {
  return render(
    <Page site={site} title="How to vote">
      <div className="stack">
        <h1>How to vote</h1>
        <p>
          In every issue that we mail, each tool has two links: <strong>{copy.vote.ship}</strong> and{' '}
          <strong>{copy.vote.skip}</strong>. They know which reader they were sent to, so that everybody is
          counted once, and there is nothing to log in to.
        </p>
        <p>
          The issues <a href="/issues">on this site</a> are nobody’s own, so their links lead here.
        </p>
      </div>
    </Page>,
  );
}
