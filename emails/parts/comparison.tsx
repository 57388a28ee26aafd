import { Fragment } from 'react';
import type { LensRow } from '../../src/comparisons/side-by-side.ts';
import type { ComparisonCard, ToolCard } from '../../src/issues/content.ts';
import { theme } from '../theme.ts';
import { copy, readersLabel, voteUrl } from '../words.ts';
import { Figure, Line } from './bar.tsx';
import { Link, Meta, Overline, P, SideBySide, Table, VoteLink } from './elements.tsx';
import { Call, Marked, VerdictMark } from './verdict-mark.tsx';

const { light, type, space } = theme;

/** The lead: verdict first, then both tools in full and every reviewer. */
export const Lead = ({ card, vote }: { card: ComparisonCard; vote: string }) => (
  <div style={{ borderTop: '3px solid', marginTop: space.section, paddingTop: 16 }}>
    <Overline>{`${copy.lead} · ${card.category}`}</Overline>
    <h2
      style={{
        margin: '4px 0 16px',
        fontFamily: type.serif,
        fontSize: 24,
        lineHeight: '30px',
        fontWeight: 400,
      }}
    >
      {card.title}
    </h2>
    <VerdictMark verdict={card.verdict} size="large" />
    <P style={{ padding: '16px 0 26px', fontSize: 18, lineHeight: '27px' }}>{card.verdict.because}</P>
    <Tools card={card} vote={vote} full />
    {card.lenses.length > 0 && (
      <h3 style={{ margin: '36px 0 0', fontFamily: type.serif, fontSize: 18, lineHeight: '26px' }}>
        {copy.reviewers}
      </h3>
    )}
    {card.lenses.map((row) => (
      <Lens key={row.lens} row={row} tools={card.tools} />
    ))}
    <ReadMore card={card} />
  </div>
);

/** A standard card: the same order, without the descriptions and with the lenses that decide it. */
export const Card = ({ card, vote }: { card: ComparisonCard; vote: string }) => (
  <>
    <Overline>{card.category}</Overline>
    <h3
      style={{
        margin: '2px 0 12px',
        fontFamily: type.serif,
        fontSize: 19,
        lineHeight: '26px',
        fontWeight: 400,
      }}
    >
      {card.title}
    </h3>
    <VerdictMark verdict={card.verdict} size="medium" />
    <P style={{ padding: '10px 0 20px' }}>{card.verdict.because}</P>
    <Tools card={card} vote={vote} />
    {card.lenses.map((row) => (
      <Lens key={row.lens} row={row} tools={card.tools} />
    ))}
    <ReadMore card={card} />
  </>
);

const ReadMore = ({ card }: { card: ComparisonCard }) => (
  <div style={{ paddingTop: 10 }}>
    <Link href={card.url}>{copy.read(card.title)}</Link>
  </div>
);

interface Sides {
  card: ComparisonCard;
  /** `links.vote` of the issue. */
  vote: string;
  full?: boolean;
}

const Tools = (sides: Sides) => (
  <SideBySide left={<Tool {...sides} side={0} />} right={<Tool {...sides} side={1} />} />
);

/** One tool. The tool to ship is under a heavy rule, the other under a hairline. */
const Tool = ({ card, vote, full = false, side }: Sides & { side: 0 | 1 }) => {
  const tool: ToolCard = card.tools[side];
  const picked = card.verdict.pick === side;
  return (
    <div
      className={picked ? undefined : 'rule'}
      style={{
        borderTop: picked ? '4px solid' : `1px solid ${light.rule}`,
        paddingTop: picked ? 12 : 15,
      }}
    >
      <Marked mark={tool.mark} size="small">
        {tool.name}
      </Marked>
      <P style={{ paddingTop: 8 }}>{tool.tagline}</P>
      {full && <Meta style={{ paddingTop: 6 }}>{tool.description}</Meta>}
      <Table style={{ marginTop: 8 }}>
        <Figure label={copy.figures.panel} value={tool.panelShip} />
        <Figure label={copy.figures.community} value={tool.communityShip} />
        {tool.readers !== null && (
          <Figure label={readersLabel(tool.readers.votes)} value={tool.readers.ship} />
        )}
        <Line label={copy.figures.entryPrice} value={tool.entryPrice} />
      </Table>
      {(['ship', 'skip'] as const).map((call) => (
        <Fragment key={call}>
          <VoteLink href={voteUrl(vote, card.slug, side, call)} label={copy.voteFor(call, tool.name)}>
            {copy.vote[call]}
          </VoteLink>
          {call === 'ship' && GAP}
        </Fragment>
      ))}
    </div>
  );
};

/**
 * Space between two links, so that a thumb hits the right one; a character, because Word ignores margins on links.
 */
const GAP = '\u2003\u2003';

/** One reviewer's lens on both tools. */
const Lens = ({ row, tools }: { row: LensRow; tools: ComparisonCard['tools'] }) => (
  <div className="rule" style={{ borderTop: `1px solid ${light.rule}`, marginTop: 18, paddingTop: 12 }}>
    <Meta style={{ paddingBottom: 6 }}>{row.lens}</Meta>
    <SideBySide
      left={<Said row={row} tools={tools} side={0} />}
      right={<Said row={row} tools={tools} side={1} />}
    />
  </div>
);

const Said = ({ row, tools, side }: { row: LensRow; tools: ComparisonCard['tools']; side: 0 | 1 }) => {
  const said = row.sides[side];
  if (said === null) return null;
  return (
    <>
      <Call call={said.call}>{tools[side].name}</Call>
      <P style={{ paddingTop: 4, fontFamily: type.serif, fontStyle: 'italic' }}>{`“${said.quote}”`}</P>
    </>
  );
};
