import { copy } from '../../../emails/words.ts';
import type { Comparison } from '../../comparisons/model.ts';
import { entryPrices, title, topics } from '../../comparisons/names.ts';
import { Outcome } from '../../comparisons/pages/verdict-mark.tsx';
import { verdict } from '../../comparisons/verdict.ts';
import type { IssueContent } from '../../issues/content.ts';
import { MAX_LENGTH } from '../../issues/edit.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf } from '../frame/frame.tsx';
import { EditForm, type WeekProps } from '../writing/edit-form.tsx';

/** The comparisons of the issue in their order, with the edits that are possible. */
export const Ballot = (props: WeekProps & { canEdit: boolean }) => {
  const { issue, content, choices } = props.view;
  const comparisons = issue.plan?.comparisons ?? [];
  const cards = 1 + (content?.cards.length ?? 0);
  const parts = [
    { name: copy.lead, from: 0, to: 1 },
    { name: copy.cards, from: 1, to: cards },
    { name: copy.compact, from: cards, to: comparisons.length },
  ].filter(({ from, to }) => to > from);
  return (
    <section id="ballot">
      <h2>The ballot</h2>
      <ol className="ballot">
        {parts.flatMap(({ name, from, to }) => [
          <li className="part" key={name} data-part="">
            {name}
          </li>,
          ...comparisons.slice(from, to).map(({ comparison, interest, pinned }, index) => {
            const at = from + index;
            return (
              <li
                key={comparison.slug}
                id={`at-${comparison.slug}`}
                className={at === 0 ? 'lead' : undefined}
                data-slug={comparison.slug}
              >
                <div className="row">
                  <Outcome verdict={verdict(comparison.tools)} size="small" />
                  <span className="meta">
                    {entryPrices(comparison.tools)} · interest {interest}
                    {pinned && ' · pinned'}
                  </span>
                </div>
                <p>
                  {title(comparison)} <span className="meta">{topics(comparison).join(' / ')}</span>
                </p>
                {props.canEdit && (
                  <Controls
                    {...props}
                    comparison={comparison}
                    isFirst={at === 0}
                    isLast={at === comparisons.length - 1}
                    pinned={pinned}
                  />
                )}
              </li>
            );
          }),
        ])}
      </ol>
      {props.canEdit && choices.order.length > 0 && (
        <EditForm {...props}>
          <button type="submit" name="kind" value="reorder" className="word">
            Back to the order of interest
          </button>
        </EditForm>
      )}
    </section>
  );
};

interface ControlsProps extends WeekProps {
  comparison: Comparison;
  isFirst: boolean;
  isLast: boolean;
  pinned: boolean;
}

const Controls = ({ comparison, isFirst, isLast, pinned, ...props }: ControlsProps) => {
  const name = title(comparison);
  const word = (kind: string, text: string, disabled = false) => (
    <button
      type="submit"
      name="kind"
      value={kind}
      className="word"
      disabled={disabled}
      aria-label={`${text}: ${name}`}
    >
      {text}
    </button>
  );
  return (
    <EditForm {...props} slug={comparison.slug}>
      {word('up', 'Up', isFirst)}
      {word('down', 'Down', isLast)}
      {pinned ? word('unpin', 'Unpin') : word('lead', 'Pin as lead')}
      {word('hold', 'Hold back')}
      <details>
        <summary className="word">Leave out…</summary>
        <label className="field">
          <span>Why {name} is left out</span>
          <input name="reason" maxLength={MAX_LENGTH.reason} autoComplete="off" />
        </label>
        <button type="submit" name="kind" value="leave_out" className="quiet">
          Leave it out
        </button>
      </details>
    </EditForm>
  );
};

/** The sections that editors cannot change. */
export const ComparisonStatus = ({ content: { changed, readers } }: { content: IssueContent }) =>
  changed.length + readers.length === 0 ? null : (
    <section>
      <h2>By itself</h2>
      <ul className="aside">
        {changed.map(({ slug, title: name, whatMoved }) => (
          <li key={slug}>
            <strong>{copy.changed}</strong>: {name}. <span className="meta">{whatMoved}</span>
          </li>
        ))}
        {readers.map(({ tool, title: name, panelShip, readersShip, votes }) => (
          <li key={name + tool}>
            <strong>{copy.readers}</strong>: {tool}.{' '}
            <span className="meta">{`Panel ${panelShip}%, readers ${readersShip}% of ${votes}`}</span>
          </li>
        ))}
      </ul>
    </section>
  );

/** Comparisons that are not in the issue, but could be. */
export const Aside = (props: WeekProps) => {
  const { held, leftOut, addable, issue } = props.view;
  const row = (comparison: Comparison, why: string, action: string) => (
    <li key={comparison.slug}>
      <EditForm {...props} slug={comparison.slug}>
        <div className="row">
          <span>
            {title(comparison)} <span className="meta">{why}</span>
          </span>
          <button
            type="submit"
            name="kind"
            value="add"
            className="word"
            aria-label={`${action}: ${title(comparison)}`}
          >
            {action}
          </button>
        </div>
      </EditForm>
    </li>
  );
  return (
    <section id="aside">
      <h2>Not in this issue</h2>
      {held.length + leftOut.length + addable.length === 0 && <p>Everything that is new is in it.</p>}
      <ul className="aside">
        {held.map((comparison) => row(comparison, 'waits for the next issue', 'Put back'))}
        {leftOut.map(({ comparison, reason, who, at }) =>
          row(comparison, `left out by ${who}, ${formatTime(at, props.zone)}: ${reason}`, 'Put back'),
        )}
        {addable.map(({ comparison, why }) => row(comparison, why, 'Add'))}
      </ul>
      <form method="post" action={`/editor/issues/${issue.slug}/compose`}>
        <Csrf session={props.session} />
        <button type="submit" className="word">
          Compose it again from all that is new; your choices stay
        </button>
      </form>
    </section>
  );
};
