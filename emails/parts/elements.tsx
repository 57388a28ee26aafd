import type { CSSProperties, ReactNode } from 'react';
import { theme } from '../theme.ts';

/** The typographic elements of every mail. Colours that change in dark mode have a class of `stylesheet.ts`. */

const { light, type, space } = theme;

interface Styled {
  children: ReactNode;
  style?: CSSProperties;
}

/** Running text, 16 px. Sizes are inline: tables do not inherit them in quirks mode. */
export const P = ({ children, style }: Styled) => (
  <p style={{ margin: 0, fontSize: type.body, lineHeight: '25px', ...style }}>{children}</p>
);

/** Labels, dates, names of numbers: 14 px, lighter than ink and still above 4.5:1. */
export const Meta = ({ children, style }: Styled) => (
  <p
    className="muted"
    style={{ margin: 0, fontSize: type.meta, lineHeight: '20px', color: light.muted, ...style }}
  >
    {children}
  </p>
);

/** The category above a title, in the accent. */
export const Overline = ({ children }: Styled) => (
  <p
    className="link"
    style={{ margin: 0, fontSize: type.meta, lineHeight: '20px', fontWeight: 700, color: light.accent }}
  >
    {children}
  </p>
);

/** A link that is visible without its colour and large enough for a thumb: underlined, at least 44 px high. */
export const Link = ({ href, children, style }: Styled & { href: string }) => (
  <a
    href={href}
    className="link"
    style={{
      display: 'inline-block',
      padding: '10px 0',
      fontSize: type.body,
      lineHeight: '24px',
      color: light.accent,
      textDecoration: 'underline',
      ...style,
    }}
  >
    {children}
  </a>
);

/**
 * A vote link: as high as {@link Link} with fewer bytes, because there are many; `label` begins with the visible
 * words and names the tool.
 */
export const VoteLink = ({ href, label, children }: Styled & { href: string; label: string }) => (
  <a
    href={href}
    className="link"
    aria-label={label}
    style={{ display: 'inline-block', fontSize: type.body, lineHeight: '44px', color: light.accent }}
  >
    {children}
  </a>
);

/** A link above its text, as high as a thumb. */
export const LineLink = ({ href, children }: Styled & { href: string }) => (
  <a
    href={href}
    className="link"
    style={{ display: 'inline-block', paddingTop: 14, lineHeight: '30px', color: light.accent }}
  >
    {children}
  </a>
);

/** A layout table, which screen readers do not announce. Children are rows. */
export const Table = ({
  children,
  style,
  width = '100%',
}: Styled & { width?: string | number | undefined }) => (
  <table role="presentation" border={0} cellPadding={0} cellSpacing={0} width={width} style={style}>
    <tbody>{children}</tbody>
  </table>
);

/** Two blocks side by side from 480 px, stacked below; plain cells in a client without media queries. */
export const SideBySide = ({ left, right }: { left: ReactNode; right: ReactNode }) => (
  <Table style={{ tableLayout: 'fixed' }}>
    <tr>
      <td className="col" width="50%" valign="top" style={{ paddingRight: space.gap / 2 }}>
        {left}
      </td>
      <td className="col next" width="50%" valign="top" style={{ paddingLeft: space.gap / 2 }}>
        {right}
      </td>
    </tr>
  </Table>
);

/** Begins a section of the issue: a strong rule and a headline. */
export const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <div style={{ paddingTop: space.section }}>
    <h2
      style={{
        margin: 0,
        padding: '14px 0 0',
        borderTop: '3px solid',
        fontFamily: type.serif,
        fontSize: 22,
        lineHeight: '28px',
      }}
    >
      {title}
    </h2>
    {children}
  </div>
);

/** One entry of a list, under a hairline. */
export const Entry = ({ children, first = false }: { children: ReactNode; first?: boolean }) => (
  <div
    className="rule"
    style={{
      ...(first ? {} : { borderTop: `1px solid ${light.rule}` }),
      marginTop: first ? 8 : 18,
      paddingTop: first ? 8 : 18,
    }}
  >
    {children}
  </div>
);
