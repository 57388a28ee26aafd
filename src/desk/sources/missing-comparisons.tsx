import type { MissingOfSource } from '../../comparisons/gone/gone-store.ts';
import { GONE_AFTER } from '../../comparisons/gone/presence.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { Csrf } from '../frame/frame.tsx';
import { count } from '../frame/numbers.ts';

interface Props {
  session: DeskSession;
  missing: readonly MissingOfSource[];
}

/** Sources that miss so much at once that a person has to say whether it is gone. */
export const MissingComparisons = ({ session, missing }: Props) => {
  if (missing.length === 0) return null;
  return (
    <section id="missing">
      <h2>Missing comparisons</h2>
      <p>
        {`For ${GONE_AFTER} gatherings and more these were not in their source. They are so many that the site may be at fault: they stay as they are until somebody says that they are gone, or they are back.`}
      </p>
      <ul className="aside">
        {missing.map(({ source, missing: many, of }) => (
          <li key={source}>
            <p>
              <strong>{source}</strong>{' '}
              <span className="meta">{`${many} of ${count(of, 'comparison')} missing`}</span>
            </p>
            <form method="post" action="/editor/sources/missing">
              <Csrf session={session} />
              <input type="hidden" name="source" value={source} />
              <button type="submit" className="quiet">
                They are gone
              </button>
            </form>
          </li>
        ))}
      </ul>
    </section>
  );
};
