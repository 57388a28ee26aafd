import { Fragment } from 'react';
import type { ChangedVerdict, ReadersSaid, VerdictRow } from '../../src/issues/content.ts';
import { copy, readersFigures, rowNote, rowVerdict, turnedLine, votesSince, voteUrl } from '../words.ts';
import { Entry, Isolated, Link, Meta, P } from './elements.tsx';
import { Marked, VerdictMark } from './verdict-mark.tsx';

/** One comparison in one linked row: the verdict, and below it the other tool and the prices. */
export const Row = ({ row }: { row: VerdictRow }) => (
  <p className="w">
    <a href={row.url}>
      <span className="s">
        <Marked mark={row.verdict.mark}>
          <Isolated text={rowVerdict(row)} names={row.names} />
        </Marked>
      </span>
      <br />
      <span className="m">
        <Isolated text={rowNote(row)} names={row.names} />
      </span>
    </a>
  </p>
);

/** Earlier comparisons whose panel, price or verdict changed: the earlier and the current verdict, and why. */
export const ChangedVerdicts = ({ rows }: { rows: ChangedVerdict[] }) =>
  rows.map((row) => (
    <Entry key={row.slug}>
      <h3>
        <Link href={row.url}>{row.title}</Link>
      </h3>
      <p className="s">
        {`${copy.was} `}
        <VerdictMark verdict={row.was} names={[]} />
        {' → '}
        {`${copy.now.toLowerCase()} `}
        <VerdictMark verdict={row.now} names={[]} />
      </p>
      <P>{row.whatMoved}</P>
      <Meta>{copy.mailedIn(row.mailedIn)}</Meta>
    </Entry>
  ));

/** Verdicts that turned, without a row: the title as a link, the current verdict, and the earlier one. */
export const TurnedLines = ({ rows }: { rows: ChangedVerdict[] }) =>
  rows.map((row) => (
    <p key={row.slug}>
      <Link href={row.url}>{row.title}</Link>
      <br />
      {turnedLine(row)}
    </p>
  ));

/** What is told by number, with a link to the page that lists it; nothing when the text is empty. */
export const More = ({ text, link, url }: { text: string; link: string; url: string | undefined }) =>
  text !== '' &&
  url !== undefined && (
    <p>
      {text}
      <br />
      <Link href={url}>{link}</Link>
    </p>
  );

/** A link for each comparison of which readers can vote nowhere else in the mail. */
export const Votes = ({ rows, vote }: { rows: { slug: string; title: string }[]; vote: string }) =>
  rows.map(({ slug, title }) => (
    <Fragment key={slug}>
      <Link href={voteUrl(vote, slug)}>{copy.voteOn(title)}</Link>
      <br />
    </Fragment>
  ));

/** Readers' votes on the last issue, beside the panel. */
export const ReadersVoted = ({ rows }: { rows: ReadersSaid[] }) =>
  rows.map((row) => (
    <Entry key={`${row.url} ${row.tool}`}>
      <h3>
        <bdi>{row.tool}</bdi>
      </h3>
      <P>{readersFigures(row)}</P>
      <Meta>{votesSince(row)}</Meta>
      <Link href={row.url}>{row.title}</Link>
    </Entry>
  ));
