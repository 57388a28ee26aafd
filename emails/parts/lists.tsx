import type { ChangedVerdict, CompactRow, ReadersSaid } from '../../src/issues/content.ts';
import { copy, inWords, turnedLine, votesSince, voteUrl } from '../words.ts';
import { Figure } from './bar.tsx';
import { Entry, LineLink, Link, Meta, P, SideBySide, Table, VoteLink } from './elements.tsx';
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

/** Comparisons without a row: the title as a link, and the verdict. */
export const BriefLines = ({ rows }: { rows: CompactRow[] }) =>
  rows.map((row) => <Line key={row.slug} url={row.url} title={row.title} text={inWords(row.verdict)} />);

/** Verdicts that turned, without a row: the title as a link, the current verdict, and the earlier one. */
export const TurnedLines = ({ rows }: { rows: ChangedVerdict[] }) =>
  rows.map((row) => <Line key={row.slug} url={row.url} title={row.title} text={turnedLine(row)} />);

const Line = ({ url, title, text }: { url: string; title: string; text: string }) => (
  <P style={{ paddingBottom: 4 }}>
    <LineLink href={url}>{title}</LineLink>
    <br />
    {text}
  </P>
);

/** What is told by number, with a link to the page that lists it; nothing when the text is empty. */
export const More = ({ text, link, url }: { text: string; link: string; url: string | undefined }) =>
  text !== '' &&
  url !== undefined && (
    <>
      <P style={{ paddingTop: 18 }}>{text}</P>
      <Link href={url}>{link}</Link>
    </>
  );

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
      <Meta style={{ paddingTop: 8 }}>{votesSince(row)}</Meta>
      <Link href={row.url}>{row.title}</Link>
    </Entry>
  ));
