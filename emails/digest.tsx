import type { IssueContent } from '../src/issues/content.ts';
import { goldenIssue } from './golden-issue.ts';
import { Card, Lead, Verdict } from './parts/comparison.tsx';
import { Entry, P, Section } from './parts/elements.tsx';
import { Footer, Frame, Masthead } from './parts/frame.tsx';
import { ChangedVerdicts, More, ReadersVoted, Row, TurnedLines, Votes } from './parts/lists.tsx';
import { copy, labels, restOfChanges, restOfNew, votable } from './words.ts';

/** The weekly digest: the lead's verdict, a row for each other one, what changed; then the details. */
export function Digest(content: IssueContent) {
  const { intro, lead, rows, cards, changed, turned, rest, readers, links } = content;
  const moreNew = rest === null ? '' : restOfNew(rest);
  const moreChanges = rest === null ? '' : restOfChanges(rest);
  const votes = votable(content);
  return (
    <Frame title={content.subject} preheader={content.preheader}>
      <Masthead content={content} />
      <Verdict card={lead} />
      {(rows.length > 0 || moreNew !== '') && (
        <Section title={labels.rows}>
          {rows.map((row) => (
            <Row key={row.slug} row={row} />
          ))}
          <More text={moreNew} link={copy.restOfNew} url={rest?.url} />
        </Section>
      )}
      {(changed.length + turned.length > 0 || moreChanges !== '') && (
        <Section title={copy.changed}>
          <ChangedVerdicts rows={changed} />
          <TurnedLines rows={turned} />
          <More text={moreChanges} link={copy.restOfChanges} url={rest?.url} />
        </Section>
      )}
      {intro !== null && (
        <Entry>
          <P>{intro}</P>
        </Entry>
      )}
      <Lead card={lead} vote={links.vote} />
      {cards.length > 0 && (
        <Section title={copy.cards}>
          {cards.map((card) => (
            <Card key={card.slug} card={card} vote={links.vote} />
          ))}
        </Section>
      )}
      {votes.length > 0 && (
        <Section title={labels.votes}>
          <Votes rows={votes} vote={links.vote} />
        </Section>
      )}
      {readers.length > 0 && (
        <Section title={copy.readers}>
          <ReadersVoted rows={readers} />
        </Section>
      )}
      <Footer content={content} />
    </Frame>
  );
}

/** For React Email's own commands, which render a component without props: then it shows the preview. */
export default function DigestPreview(content: Partial<IssueContent>) {
  return <Digest {...goldenIssue} {...content} />;
}

DigestPreview.PreviewProps = goldenIssue satisfies IssueContent;
