import type { ReactNode } from 'react';
import type { IssueContent } from '../../src/issues/content.ts';
import { Body, Container, Head, Html, Preview } from '../primitives.ts';
import { outlookStyleSheet, styleSheet } from '../stylesheet.ts';
import { theme } from '../theme.ts';
import { copy, dateline } from '../words.ts';
import { Link, Meta } from './elements.tsx';

const { light, type, space, width } = theme;

/** The frame of every mail: language and direction on html, body and wrapper; one title; both colour schemes. */
export const Frame = ({
  title,
  preheader,
  children,
}: {
  title: string;
  preheader: string;
  children: ReactNode;
}) => (
  <Html lang="en" dir="ltr">
    <Head>
      <title>{title}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="supported-color-schemes" content="light dark" />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own constant, and React would escape its child selectors */}
      <style dangerouslySetInnerHTML={{ __html: styleSheet }} />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: as above */}
      <style dangerouslySetInnerHTML={{ __html: outlookStyleSheet }} />
    </Head>
    <Body
      lang="en"
      dir="ltr"
      className="paper"
      style={{
        margin: 0,
        padding: 0,
        backgroundColor: light.paper,
        color: light.ink,
        fontFamily: type.sans,
        fontVariantNumeric: 'tabular-nums',
        wordBreak: 'break-word',
        overflowWrap: 'anywhere',
      }}
    >
      <Preview useTitleTag={false}>{preheader}</Preview>
      <Container
        width={width}
        tdClassName="gutter"
        style={{ width: '100%', maxWidth: width, padding: `32px ${space.gutter}px 40px` }}
      >
        {children}
      </Container>
    </Body>
  </Html>
);

/** The head: the newsletter and its dateline over a double rule, like a newspaper's. */
export const Masthead = ({ content }: { content: IssueContent }) => (
  <div style={{ borderBottom: '4px double', paddingBottom: 14 }}>
    <h1 style={{ margin: 0, fontFamily: type.serif, fontSize: 26, lineHeight: '32px' }}>
      {content.newsletter.name}
    </h1>
    <Meta style={{ paddingTop: 4 }}>{dateline(content)}</Meta>
    {content.topics.length > 0 && <Meta>{copy.topics(content.topics)}</Meta>}
  </div>
);

/** Why the reader gets this, how to unsubscribe, and who sends it. */
export const Footer = ({ content }: { content: IssueContent }) => {
  const { newsletter, links } = content;
  return (
    <div style={{ borderTop: '4px double', marginTop: space.section, paddingTop: 16 }}>
      <Meta>{copy.why(newsletter.name)}</Meta>
      <Link href={links.unsubscribe}>{copy.unsubscribe}</Link>
      <br />
      <Link href={links.preferences}>{copy.preferences}</Link>
      <br />
      <Link href={links.online}>{copy.online}</Link>
      <Meta style={{ paddingTop: 8 }}>{newsletter.postalAddress}</Meta>
    </div>
  );
};
