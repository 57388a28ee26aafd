import { readersLabel, share } from '../../../../emails/words.ts';

type Shown = { label: string; value: number | null } | { readers: { ship: number; votes: number } };

/** A share above its bar; an em dash and no bar while there is no vote. One entry of a list of figures. */
export const Figure = (shown: Shown) => {
  const { label, value } =
    'readers' in shown ? { label: readersLabel(shown.readers.votes), value: shown.readers.ship } : shown;
  return (
    <div>
      <dt>{label}</dt>
      <dd>{share(value)}</dd>
      {value !== null && (
        <dd className="bar" aria-hidden="true">
          <svg width="100%" height="6" focusable="false" aria-hidden="true">
            <rect width={`${value}%`} height="6" />
          </svg>
        </dd>
      )}
    </div>
  );
};
