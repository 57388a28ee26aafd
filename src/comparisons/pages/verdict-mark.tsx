import { afterMark, markWord } from '../../../emails/words.ts';
import type { ToolMark, Verdict } from '../model.ts';

interface MarkedProps {
  mark: ToolMark;
  size: 'large' | 'small';
  /** The text after the mark. */
  children: string;
}

/** A mark and its tool, on one line: "[Ship] Kestrel". */
export const Marked = ({ mark, size, children }: MarkedProps) => (
  <span className={`marked ${size}`}>
    <span className={`mark ${mark}`}>
      <b>{markWord[mark]}</b>
    </span>{' '}
    <span className="verdict">{children}</span>
  </span>
);

/** An outcome in words; the mark is its first word. */
export const Outcome = ({ verdict, size }: { verdict: Verdict; size: MarkedProps['size'] }) => (
  <Marked mark={verdict.mark} size={size}>
    {afterMark(verdict)}
  </Marked>
);
