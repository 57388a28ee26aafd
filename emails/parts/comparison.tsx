import { Fragment } from 'react';
import type { LensRow } from '../../src/comparisons/side-by-side.ts';
import type { ComparisonCard, ToolCard } from '../../src/issues/content.ts';
import { copy, figuresLine, figuresOf, labels, voteUrl } from '../words.ts';
import { Columns, Isolated, Link, Meta, Overline, P } from './elements.tsx';
import { Marked, VerdictMark } from './verdict-mark.tsx';

const namesOf = ({ tools }: ComparisonCard): [string, string] => [tools[0].name, tools[1].name];

/** What a reader sees first: the lead's verdict, one sentence of reason, and where to read more. */
export const Verdict = ({ card }: { card: ComparisonCard }) => (
  <>
    <Overline>{`${copy.lead} · ${card.category}`}</Overline>
    <h2 className="h">
      <VerdictMark verdict={card.verdict} names={namesOf(card)} />
    </h2>
    <Because card={card} />
    <Link href={card.url}>{labels.readWhy(card.title)}</Link>
  </>
);

/** The lead in full: both tools with their figures, and every reviewer. */
export const Lead = ({ card, vote }: { card: ComparisonCard; vote: string }) => (
  <div className="z">
    <h2>
      <Isolated text={card.title} names={namesOf(card)} />
    </h2>
    <Columns
      left={<LeadTool card={card} vote={vote} side={0} />}
      right={<LeadTool card={card} vote={vote} side={1} />}
    />
    {card.lenses.length > 0 && (
      <div className="e">
        <h3>{copy.reviewers}</h3>
        <Lenses card={card} />
      </div>
    )}
    <ReadMore card={card} />
  </div>
);

/** A standard card: the verdict, both tools with their figures in a line, and the reviewer who decides it. */
export const Card = ({ card, vote }: { card: ComparisonCard; vote: string }) => (
  <div className="e">
    <Overline>{card.category}</Overline>
    <h3>
      <VerdictMark verdict={card.verdict} names={namesOf(card)} />
    </h3>
    <Because card={card} />
    <Columns left={<CardTool tool={card.tools[0]} />} right={<CardTool tool={card.tools[1]} />} />
    <Lenses card={card} />
    <ReadMore card={card} />
    <br />
    <Link href={voteUrl(vote, card.slug)}>{labels.voteOnBoth(card.title)}</Link>
  </div>
);

const Because = ({ card }: { card: ComparisonCard }) => (
  <P>
    <Isolated text={card.verdict.because} names={namesOf(card)} />
  </P>
);

const ReadMore = ({ card }: { card: ComparisonCard }) => <Link href={card.url}>{copy.read(card.title)}</Link>;

const LeadTool = ({ card, vote, side }: { card: ComparisonCard; vote: string; side: 0 | 1 }) => {
  const tool = card.tools[side];
  return (
    <>
      <h3>
        <Name tool={tool} />
      </h3>
      <P>{tool.tagline}</P>
      {tool.description !== '' && <Meta>{tool.description}</Meta>}
      {figuresOf(tool).map(({ label, value, bar }) => (
        <Fragment key={label}>
          <Meta>
            {`${label} `}
            <b>{value}</b>
          </Meta>
          {bar !== null && bar > 0 && <Bar value={bar} />}
        </Fragment>
      ))}
      {(['ship', 'skip'] as const).map((call) => (
        <Fragment key={call}>
          <a
            className="v"
            href={voteUrl(vote, card.slug, side, call)}
            aria-label={copy.voteFor(call, tool.name)}
          >
            {copy.vote[call]}
          </a>
          {call === 'ship' && GAP}
        </Fragment>
      ))}
    </>
  );
};

const CardTool = ({ tool }: { tool: ToolCard }) => (
  <>
    <h4>
      <Name tool={tool} />
    </h4>
    <P>{tool.tagline}</P>
    <Meta>{figuresLine(tool)}</Meta>
  </>
);

const Name = ({ tool }: { tool: ToolCard }) => (
  <Marked mark={tool.mark}>
    <bdi>{tool.name}</bdi>
  </Marked>
);

/** A bar of 0 to 100, drawn as a border: it needs no fill, and readers read the number above it. */
const Bar = ({ value }: { value: number }) => (
  <table role="presentation" width={`${value}%`}>
    <tbody>
      <tr>
        <td className="b" />
      </tr>
    </tbody>
  </table>
);

/** Space between two links, so that a thumb hits the right one; a character, because Word ignores margins on links. */
const GAP = '\u2003\u2003';

/** Each reviewer's calls in a line, and what they said where they are quoted. */
const Lenses = ({ card }: { card: ComparisonCard }) =>
  card.lenses.map((row) => (
    <Fragment key={row.lens}>
      <p>
        <b>{row.lens}</b>
        {SIDES.map((side) => (
          <Call key={side} row={row} tools={card.tools} side={side} />
        ))}
      </p>
      {SIDES.map((side) => (
        <Quote key={side} row={row} tools={card.tools} side={side} />
      ))}
    </Fragment>
  ));

const SIDES = [0, 1] as const;

interface Said {
  row: LensRow;
  tools: ComparisonCard['tools'];
  side: 0 | 1;
}

const Call = ({ row, tools, side }: Said) => {
  const call = row.sides[side]?.call ?? null;
  return (
    call !== null && (
      <>
        {' \u00a0'}
        <Marked mark={call}>
          <bdi>{tools[side].name}</bdi>
        </Marked>
      </>
    )
  );
};

const Quote = ({ row, tools, side }: Said) => {
  const quote = row.sides[side]?.quote ?? '';
  return (
    quote !== '' && (
      <p className="q">
        {'On '}
        <bdi>{tools[side].name}</bdi>
        {`: “${quote}”`}
      </p>
    )
  );
};
