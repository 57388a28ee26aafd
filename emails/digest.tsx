import type { IssueContent } from '../src/issues/content.ts';
import { goldenIssue } from './golden-issue.ts';
import { Card, Lead } from './parts/comparison.tsx';
import { Entry, P, Section } from './parts/elements.tsx';
import { Footer, Frame, Masthead } from './parts/frame.tsx';
import { GlanceTable } from './parts/glance-table.tsx';
import { BriefLines, ChangedVerdicts, CompactList, More, ReadersVoted, TurnedLines } from './parts/lists.tsx';
import { copy, glanceTitle, restOfChanges, restOfNew } from './words.ts';

/** The weekly digest: the ten-second table, the lead, the cards, and the short sections that have content. */
export function Digest(content: IssueContent) {
  const { intro, glance, lead, cards, compact, brief, changed, turned, rest, readers, links } = content;
  const moreNew = rest === null ? '' : restOfNew(rest);
  const moreChanges = rest === null ? '' : restOfChanges(rest);
  return (
    <Frame title={content.subject} preheader={content.preheader}>
      <Masthead content={content} />
      <GlanceTable title={glanceTitle(content)} rows={glance} />
      {intro !== null && <P style={{ paddingTop: 20 }}>{intro}</P>}
      <Lead card={lead} vote={links.vote} />
      {cards.length > 0 && (
        <Section title={copy.cards}>
          {cards.map((card, index) => (
            <Entry key={card.slug} first={index === 0}>
              <Card card={card} vote={links.vote} />
            </Entry>
          ))}
        </Section>
      )}
      {(compact.length + brief.length > 0 || moreNew !== '') && (
        <Section title={copy.compact}>
          <CompactList rows={compact} vote={links.vote} />
          <BriefLines rows={brief} />
          <More text={moreNew} link={copy.restOfNew} url={rest?.url} />
        </Section>
      )}
      {(changed.length + turned.length > 0 || moreChanges !== '') && (
        <Section title={copy.changed}>
          <ChangedVerdicts rows={changed} vote={links.vote} />
          <TurnedLines rows={turned} />
          <More text={moreChanges} link={copy.restOfChanges} url={rest?.url} />
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
