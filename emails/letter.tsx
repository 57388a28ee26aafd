import type { Letter as LetterContent } from '../src/transactional/letter.ts';
import { Link, Meta, P, Section } from './parts/elements.tsx';
import { Frame } from './parts/frame.tsx';
import { theme } from './theme.ts';

const { light, type, space } = theme;

/** Mail to one person about one thing: a heading, a few lines, one button. */
export function Letter({
  newsletter,
  heading,
  paragraphs,
  action,
  list,
  notes,
  why,
  ...rest
}: LetterContent) {
  return (
    <Frame title={rest.subject} preheader={rest.preheader}>
      <div style={{ borderBottom: '4px double', paddingBottom: 14 }}>
        <Meta>{newsletter.name}</Meta>
        <h1 style={{ margin: 0, fontFamily: type.serif, fontSize: 26, lineHeight: '32px' }}>{heading}</h1>
      </div>
      {paragraphs.map((text) => (
        <P key={text} style={{ paddingTop: 16 }}>
          {text}
        </P>
      ))}
      {action !== null && (
        <p style={{ margin: 0, paddingTop: 24 }}>
          <a
            href={action.url}
            className="link"
            style={{
              display: 'inline-block',
              padding: '12px 22px',
              border: `2px solid ${light.accent}`,
              fontSize: type.body,
              lineHeight: '24px',
              fontWeight: 700,
              color: light.accent,
              textDecoration: 'none',
            }}
          >
            {action.label}
          </a>
        </p>
      )}
      {list !== null && (
        <Section title={list.title}>
          {list.rows.map(({ text, url }) => (
            <p key={url} style={{ margin: 0 }}>
              <Link href={url}>{text}</Link>
            </p>
          ))}
        </Section>
      )}
      {notes.map(({ text, link }) => (
        <div key={text} style={{ paddingTop: 16 }}>
          <Meta>{text}</Meta>
          {link !== null && <Link href={link.url}>{link.label}</Link>}
        </div>
      ))}
      <div style={{ borderTop: '4px double', marginTop: space.section, paddingTop: 16 }}>
        <Meta>{why}</Meta>
        {newsletter.postalAddress !== '' && <Meta style={{ paddingTop: 8 }}>{newsletter.postalAddress}</Meta>}
      </div>
    </Frame>
  );
}

Letter.PreviewProps = {
  newsletter: {
    name: 'Weekly AI Tool Verdicts',
    url: 'https://verdicts.example',
    postalAddress: 'Weekly Verdict, 1 Example Street, 12345 Sampleton',
  },
  subject: 'Confirm your subscription to Weekly AI Tool Verdicts',
  preheader: 'One step is left. If you did not ask for this, do nothing.',
  heading: 'One step is left',
  paragraphs: ['Open the page and press its button, and the next issue is yours.'],
  action: { label: 'Confirm my subscription', url: 'https://verdicts.example/confirm/sample' },
  list: null,
  notes: [{ text: 'This was not you? Do nothing: without the button nobody is subscribed.', link: null }],
  why: 'You get this one mail because this address was typed into our sign-up form.',
} satisfies LetterContent;
