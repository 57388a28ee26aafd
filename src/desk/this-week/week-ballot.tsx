import { copy, restOfChanges, votesSince } from '../../../emails/words.ts';
import type { Comparison } from '../../comparisons/model.ts';
import { entryPrices, title, topics } from '../../comparisons/names.ts';
import { Outcome } from '../../comparisons/pages/verdict-mark.tsx';
import { verdict } from '../../comparisons/verdict.ts';
import { MAX_LENGTH, type RowSection } from '../../issues/edit.ts';
import { readersKey } from '../../issues/readers-rows.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf } from '../frame/frame.tsx';
import { count } from '../frame/numbers.ts';
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

/** The rows of *changed verdicts* and *what readers said*: each can be held back, left out and put back. */
export const OwnRows = (props: WeekProps & { canEdit: boolean }) => {
  const { plan } = props.view.issue;
  const { content } = props.view;
  if (plan === null) return null;
  const { changed, readers, aside = [] } = plan;
  const rest = content?.rest ? restOfChanges(content.rest) : '';
  const sections = [
    {
      section: 'changed' as const,
      title: copy.changed,
      rows: changed.map(({ row: { slug, title: name, kind, was, now, whatMoved } }) => ({
        key: slug,
        name,
        detail: kind === 'turned' ? `${was.words} → ${now.words}. ${whatMoved}` : whatMoved,
      })),
    },
    {
      section: 'readers' as const,
      title: copy.readers,
      rows: readers.map(({ row }) => ({
        key: readersKey(row),
        name: `${row.tool} (${row.title})`,
        detail: `Panel ${row.panelShip}%, readers ${row.readersShip}%. ${votesSince(row)}`,
      })),
    },
  ];
  return sections.map(({ section, title: heading, rows }) => {
    const out = aside.filter((each) => each.section === section);
    if (rows.length + out.length === 0 && (section !== 'changed' || rest === '')) return null;
    return (
      <section id={section} key={section}>
        <h2>{heading}</h2>
        <ul className="aside">
          {rows.map((row) => (
            <OwnRow {...props} key={row.key} section={section} row={row} />
          ))}
          {out.map(({ key, title: name, how }) => (
            <OwnRow
              {...props}
              key={key}
              section={section}
              row={{ key, name, detail: how === 'held' ? 'waits for the next issue' : 'left out' }}
              isOut
            />
          ))}
        </ul>
        {section === 'changed' && rest !== '' && <p className="meta after">{rest}</p>}
      </section>
    );
  });
};

interface OwnRowProps extends WeekProps {
  canEdit: boolean;
  section: RowSection;
  row: { key: string; name: string; detail: string };
  isOut?: boolean;
}

const OwnRow = ({ section, row: { key, name, detail }, isOut = false, canEdit, ...props }: OwnRowProps) => {
  const button = (kind: string, text: string) => (
    <button type="submit" name="kind" value={kind} className="word" aria-label={`${text}: ${name}`}>
      {text}
    </button>
  );
  return (
    <li>
      <p>
        {name}. <span className="meta">{detail}</span>
      </p>
      {canEdit && (
        <EditForm {...props} className="words">
          <input type="hidden" name="section" value={section} />
          <input type="hidden" name="key" value={key} />
          {isOut ? (
            button('row_add', 'Put back')
          ) : (
            <>
              {button('row_hold', 'Hold back')}
              {button('row_leave_out', 'Leave out')}
            </>
          )}
        </EditForm>
      )}
    </li>
  );
};

/** Comparisons that are not in the issue, but could be. */
export const Aside = (props: WeekProps) => {
  const { held, leftOut, addable, furtherAddable, issue } = props.view;
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
      {furtherAddable > 0 && (
        <p className="meta after">{`And ${count(furtherAddable, 'more comparison')}.`}</p>
      )}
      <form method="post" action={`/editor/issues/${issue.slug}/compose`}>
        <Csrf session={props.session} />
        <button type="submit" className="word">
          Compose it again from all that is new; your choices stay
        </button>
      </form>
    </section>
  );
};
