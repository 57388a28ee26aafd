import type { ReactNode } from 'react';
import type { IssueContent } from '../../src/issues/content.ts';
import { Body, Container, Head, Html } from '../primitives.ts';
import { mediaStyleSheet, outlookStyleSheet, styleSheet } from '../stylesheet.ts';
import { theme } from '../theme.ts';
import { copy, dateline, labels } from '../words.ts';
import { Link, Meta, P } from './elements.tsx';
import { preheaderFiller } from './preheader.ts';

const { light, type, space, width } = theme;
const text = { fontFamily: type.sans, fontSize: type.body, lineHeight: 1.5, color: light.ink };

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
      <meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no" />
      {[styleSheet, mediaStyleSheet, outlookStyleSheet].map((css) => (
        // biome-ignore lint/security/noDangerouslySetInnerHtml: our own constants, and React would escape their child selectors
        <style key={css} dangerouslySetInnerHTML={{ __html: css }} />
      ))}
    </Head>
    <Body
      lang="en"
      dir="ltr"
      className="p"
      style={{
        ...{ margin: 0, padding: 0, backgroundColor: light.paper, ...text },
        ...{ fontVariantNumeric: 'tabular-nums', wordBreak: 'break-word', overflowWrap: 'anywhere' },
      }}
    >
      <div style={{ display: 'none', maxHeight: 0, overflow: 'hidden' }}>
        {preheader + preheaderFiller(preheader)}
      </div>
      {/* A table does not inherit type in quirks mode, which some webmails use. */}
      <Container
        width={width}
        tdClassName="g"
        style={{ ...text, width: '100%', maxWidth: width, padding: `24px ${space.gutter}px 40px` }}
      >
        {children}
      </Container>
    </Body>
  </Html>
);

/** The newsletter, the day and the time it takes, in one line. */
export const Masthead = ({ content }: { content: IssueContent }) => (
  <>
    <div className="u">
      <h1 style={{ display: 'inline', fontSize: type.meta }}>{content.newsletter.name}</h1>
      {`\u00a0${dateline(content)}`}
    </div>
    {content.topics.length > 0 && <Meta>{copy.topics(content.topics)}</Meta>}
  </>
);

/** What the marks mean, how to subscribe, why the reader gets this, how to unsubscribe, and who sends it. */
export const Footer = ({ content }: { content: IssueContent }) => {
  const { newsletter, links } = content;
  return (
    <div className="y" style={{ marginTop: space.section }}>
      <Meta>{labels.legend(content)}</Meta>
      <P>{labels.forwarded}</P>
      <Link href={newsletter.url}>{labels.subscribe(newsletter.name)}</Link>
      <Meta>{copy.why(newsletter.name)}</Meta>
      <Link href={links.unsubscribe}>{copy.unsubscribe}</Link>
      <br />
      <Link href={links.preferences}>{copy.preferences}</Link>
      <br />
      <Link href={links.online}>{copy.online}</Link>
      <Meta>{`${labels.issue(content)} · ${newsletter.postalAddress}`}</Meta>
    </div>
  );
};
