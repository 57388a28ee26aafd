import { createElement, type ReactNode } from 'react';
import { isolate } from '../words.ts';
import { columnStyle, ghostTag } from './columns.ts';

/** The typographic elements of every mail. Classes are explained in `stylesheet.ts`. */

interface Children {
  children: ReactNode;
}

/** Running text. */
export const P = ({ children }: Children) => <p>{children}</p>;

/** Labels, dates, figures: 14 px, lighter than ink and still above 4.5:1. */
export const Meta = ({ children }: Children) => <p className="m">{children}</p>;

/** The category above a title, in the accent. */
export const Overline = ({ children }: Children) => <p className="o">{children}</p>;

/** A link that is visible without its colour and large enough for a thumb. */
export const Link = ({ href, children }: Children & { href: string }) => (
  <a className="v" href={href}>
    {children}
  </a>
);

/** A text in which each of the names has its own direction, so that it does not reorder its neighbours. */
export const Isolated = ({ text, names }: { text: string; names: readonly string[] }) =>
  isolate(text, names).map(({ text: part, isName }, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
    isName ? <bdi key={at}>{part}</bdi> : part,
  );

/** Two blocks side by side where there is room for both, below each other elsewhere. */
export const Columns = ({ left, right }: { left: ReactNode; right: ReactNode }) => (
  <>
    {createElement(ghostTag('open'))}
    <div className="c" style={columnStyle}>
      {left}
    </div>
    {createElement(ghostTag('next'))}
    <div className="c" style={columnStyle}>
      {right}
    </div>
    {createElement(ghostTag('close'))}
  </>
);

/** Begins a section of the issue: a strong rule and a headline. */
export const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <div className="z">
    <h2>{title}</h2>
    {children}
  </div>
);

/** One entry of a section, under a hairline. */
export const Entry = ({ children }: Children) => <div className="e">{children}</div>;
