import type { ReactNode } from 'react';
import type { Call as ReviewerCall, ToolMark, Verdict } from '../../src/comparisons/model.ts';
import { theme } from '../theme.ts';
import { afterMark, markWord } from '../words.ts';
import { Table } from './elements.tsx';
import { type MarkSize, sizes } from './mark-sizes.ts';

/**
 * The most visible element of the page: a box on a ballot. *Ship* is filled, *Skip* is outlined, *Split* is partly
 * filled; each says its word. Outlines take the colour of the text around them, so that they also appear where a
 * client makes text light and leaves dark fills unchanged (partial inversion), and where a page is printed without
 * backgrounds.
 */

const { light, type } = theme;
const fill = { backgroundColor: light.ink, color: light.paper };

/** The box alone. */
export function MarkBox({ mark, size }: { mark: ToolMark; size: MarkSize }) {
  const { word, inner, width, border } = sizes[size];
  const edge = `${border}px solid`;
  const text = { fontSize: word, lineHeight: `${inner}px`, fontWeight: mark === 'skip' ? 400 : 700 };
  return (
    <Table width={width} style={{ border: edge }}>
      <tr>
        {mark === 'split' && (
          <td className="fill" width={Math.round(width / 3)} style={{ ...fill, fontSize: 1 }}>
            {'\u00a0'}
          </td>
        )}
        <td
          className={mark === 'ship' ? 'fill' : undefined}
          align="center"
          height={inner}
          style={{ ...(mark === 'ship' ? fill : mark === 'split' ? { borderLeft: edge } : {}), ...text }}
        >
          {markWord[mark]}
        </td>
      </tr>
    </Table>
  );
}

/** A box and its text on one line: "[Ship] Kestrel". */
export function Marked({ mark, size, children }: { mark: ToolMark; size: MarkSize; children: ReactNode }) {
  const { after, height, width, gap } = sizes[size];
  return (
    <Table>
      <tr>
        <td width={width} valign="top">
          <MarkBox mark={mark} size={size} />
        </td>
        <td
          className="serif"
          valign="top"
          style={{
            paddingLeft: gap,
            fontFamily: type.serif,
            fontSize: after,
            lineHeight: `${height}px`,
            fontWeight: 700,
          }}
        >
          {children}
        </td>
      </tr>
    </Table>
  );
}

/** A verdict in words; its first word is the mark. */
export const VerdictMark = ({ verdict, size }: { verdict: Verdict; size: MarkSize }) => (
  <Marked mark={verdict.mark} size={size}>
    {afterMark(verdict)}
  </Marked>
);

/**
 * One reviewer's call on one tool, in running text: "Ship Kestrel". Word draws no padding or border around inline
 * text, so it shows the word alone; if the page does not say the reviewer's call, only the name is shown.
 */
export const Call = ({ call, children }: { call: ReviewerCall | null; children: ReactNode }) => (
  <p style={{ margin: 0, fontSize: type.meta, lineHeight: '22px', fontWeight: 700 }}>
    {call !== null && (
      <>
        <span
          className={call === 'ship' ? 'fill' : undefined}
          style={
            call === 'ship'
              ? { ...fill, padding: '2px 7px' }
              : { border: '1px solid', padding: '1px 6px', fontWeight: 400 }
          }
        >
          {markWord[call]}
        </span>
        {'\u00a0 '}
      </>
    )}
    {children}
  </p>
);
