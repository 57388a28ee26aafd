import type { ReactNode } from 'react';
import type { Verdict } from '../../src/comparisons/model.ts';
import type { ToolCard } from '../../src/issues/content.ts';
import { afterMark, markLabel } from '../words.ts';
import { Isolated } from './elements.tsx';

/**
 * The most visible element of a mail: a box on a ballot. It has a glyph, a word and an outline in the colour of the
 * text around it, so it can be read in inverted colours, in forced ones, in grey and without any style; the fill of
 * *Ship* is extra.
 */
export const MarkBox = ({ mark }: { mark: ToolCard['mark'] }) => (
  <b className={mark === 'ship' ? 'k f' : 'k'} style={{ border: '1px solid', padding: '0 5px' }}>
    {markLabel(mark)}
  </b>
);

/** A box and its text on one line: "[✓ Ship] Kestrel". */
export const Marked = ({ mark, children }: { mark: ToolCard['mark']; children: ReactNode }) => (
  <>
    <MarkBox mark={mark} /> {children}
  </>
);

/** A verdict in words; its first word is the mark. */
export const VerdictMark = ({ verdict, names }: { verdict: Verdict; names: readonly string[] }) => (
  <Marked mark={verdict.mark}>
    <Isolated text={afterMark(verdict)} names={names} />
  </Marked>
);
