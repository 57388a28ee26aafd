import type { ChangedVerdict, CompactRow, ReadersSaid } from '../../src/issues/content.ts';
import { copy, votesCast, voteUrl } from '../words.ts';
import { Figure } from './bar.tsx';
import { Entry, Link, Meta, P, SideBySide, Table, VoteLink } from './elements.tsx';
import { VerdictMark } from './verdict-mark.tsx';

/** Every comparison without a card, as one line each. */
export const CompactList = ({ rows, vote }: { rows: CompactRow[]; vote: string }) =>
  rows.map((row, index) => (
    <Entry key={row.slug} first={index === 0}>
      <VerdictMark verdict={row.verdict} size="small" />
      <P style={{ paddingTop: 6 }}>{row.verdict.because}</P>
      <Meta style={{ paddingTop: 2 }}>{row.entryPrice}</Meta>
      <Link href={row.url}>{row.title}</Link>
      <br />
      <VoteOnBoth row={row} vote={vote} />
    </Entry>
  ));

/** A link to the page with both tools, where there is no room for four links. */
const VoteOnBoth = ({ row, vote }: { row: { slug: string; title: string }; vote: string }) => (
  <VoteLink href={voteUrl(vote, row.slug)} label={copy.voteOn(row.title)}>
    {copy.vote.both}
  </VoteLink>
);

/** Earlier comparisons whose panel, price or verdict changed: the current and the earlier verdict, and why. */
export const ChangedVerdicts = ({ rows, vote }: { rows: ChangedVerdict[]; vote: string }) =>
  rows.map((row, index) => (
    <Entry key={row.slug} first={index === 0}>
      <SideBySide
        left={
          <>
            <Meta style={{ paddingBottom: 6 }}>{copy.was}</Meta>
            <VerdictMark verdict={row.was} size="small" />
          </>
        }
        right={
          <>
            <Meta style={{ paddingBottom: 6 }}>{copy.now}</Meta>
            <VerdictMark verdict={row.now} size="small" />
          </>
        }
      />
      <P style={{ paddingTop: 12 }}>{row.whatMoved}</P>
      <Meta style={{ paddingTop: 2 }}>{copy.mailedIn(row.mailedIn)}</Meta>
      <Link href={row.url}>{row.title}</Link>
      <br />
      <VoteOnBoth row={row} vote={vote} />
    </Entry>
  ));

/** Readers' votes on the last issue, beside the panel. */
export const ReadersVoted = ({ rows }: { rows: ReadersSaid[] }) =>
  rows.map((row, index) => (
    <Entry key={`${row.url} ${row.tool}`} first={index === 0}>
      <P style={{ fontWeight: 700 }}>{row.tool}</P>
      <SideBySide
        left={
          <Table>
            <Figure label={copy.figures.panel} value={row.panelShip} />
          </Table>
        }
        right={
          <Table>
            <Figure label={copy.figures.readers} value={row.readersShip} />
          </Table>
        }
      />
      <Meta style={{ paddingTop: 8 }}>{votesCast(row.votes)}</Meta>
      <Link href={row.url}>{row.title}</Link>
    </Entry>
  ));
