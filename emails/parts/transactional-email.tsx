import { Fragment, type ReactElement } from 'react';
import { theme } from '../theme.ts';
import { Link, Meta, P, Section } from './elements.tsx';
import { Frame } from './frame.tsx';
import { sampleNewsletter } from './sample.ts';

const { light, type, space } = theme;

export interface Newsletter {
  name: string;
  /** Absolute, without a trailing slash. */
  url: string;
  /** One line; empty if it is not set. */
  postalAddress: string;
}

/** The props of a transactional email: its own, and the newsletter that it belongs to. */
export type WithNewsletter<Own> = Own & { newsletter: Newsletter };

/**
 * The texts of a transactional email. No text in it comes from a form: a sign-up form that mails typed text to
 * strangers would be a tool for spam.
 */
export interface TransactionalWords {
  subject: string;
  /** 40 to 90 characters that add to the subject. */
  preheader: string;
  heading: string;
  paragraphs: string[];
  /** The main action. */
  action?: { label: string; url: string };
  /** Lines with a link each: the content of the latest issue. */
  list?: { title: string; rows: { text: string; url: string }[] };
  /** Longer texts, each under a title of its own, with one link. */
  sections?: { title: string; paragraphs: string[]; link?: { label: string; url: string } }[];
  /** Smaller text below: what happens if the reader does nothing, and what else they can do. */
  notes: { text: string; link?: { label: string; url: string } }[];
  /** The link that unsubscribes with one click; only in mail to subscribers. It is in the header, too. */
  unsubscribe?: string;
  /** Why this person gets this mail. */
  why: string;
}

export type TransactionalContent = WithNewsletter<TransactionalWords>;

/** A component for React Email's own commands, and the content from which the real mail is rendered. */
export interface TransactionalEmail<Own> {
  (props: Partial<WithNewsletter<Own>>): ReactElement;
  content(props: WithNewsletter<Own>): TransactionalContent;
  PreviewProps: WithNewsletter<Own>;
}

/**
 * Makes a transactional email from its texts; HTML and text follow from them. React Email exports a component
 * without props: then it shows the preview. The real mail is rendered from `content`, without any sample.
 */
export function transactionalEmail<Own extends object>({
  PreviewProps,
  words,
}: {
  PreviewProps: Own;
  words: (props: WithNewsletter<Own>) => TransactionalWords;
}): TransactionalEmail<Own> {
  const sample = { ...PreviewProps, newsletter: sampleNewsletter };
  const content = (props: WithNewsletter<Own>) => ({ newsletter: props.newsletter, ...words(props) });
  const Email = (props: Partial<WithNewsletter<Own>>) => (
    <TransactionalLayout {...content({ ...sample, ...props })} />
  );
  return Object.assign(Email, { content, PreviewProps: sample });
}

/** The layout of all transactional emails: a heading, a few lines, one button. */
export function TransactionalLayout({
  newsletter,
  subject,
  preheader,
  heading,
  paragraphs,
  sections,
  action,
  list,
  notes,
  why,
}: TransactionalContent) {
  return (
    <Frame title={subject} preheader={preheader}>
      <Meta>{newsletter.name}</Meta>
      <h1 style={{ fontFamily: type.serif, fontSize: 26, lineHeight: 1.25 }}>{heading}</h1>
      <div className="y" style={{ marginTop: 14 }}>
        {paragraphs.map((text) => (
          <P key={text}>{text}</P>
        ))}
      </div>
      {sections?.map(({ title, paragraphs: texts, link }) => (
        <Section key={title} title={title}>
          {texts.map((text) => (
            <P key={text}>{text}</P>
          ))}
          {link && <Link href={link.url}>{link.label}</Link>}
        </Section>
      ))}
      {action && (
        <p style={{ margin: '24px 0' }}>
          <a
            href={action.url}
            className="l"
            style={{
              display: 'inline-block',
              padding: '12px 22px',
              border: `2px solid ${light.accent}`,
              fontWeight: 700,
              color: light.accent,
              textDecoration: 'none',
            }}
          >
            {action.label}
          </a>
        </p>
      )}
      {list && (
        <Section title={list.title}>
          {list.rows.map(({ text, url }) => (
            <Fragment key={url}>
              <Link href={url}>{text}</Link>
              <br />
            </Fragment>
          ))}
        </Section>
      )}
      {notes.map(({ text, link }) => (
        <div key={text} style={{ marginTop: 16 }}>
          <Meta>{text}</Meta>
          {link && <Link href={link.url}>{link.label}</Link>}
        </div>
      ))}
      <div className="y" style={{ marginTop: space.section }}>
        <Meta>{why}</Meta>
        {newsletter.postalAddress !== '' && <Meta>{newsletter.postalAddress}</Meta>}
      </div>
    </Frame>
  );
}
