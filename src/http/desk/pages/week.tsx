import type { ReactNode } from 'react';
import { copy } from '../../../../emails/words.ts';
import { type Comparison, entryPrices, title, topics, verdict } from '../../../comparisons/index.ts';
import type { PanelCheck } from '../../../delivery/index.ts';
import {
  type Choices,
  dueLabel,
  type Issue,
  type IssueContent,
  type LeftOut,
  lengthOf,
  ROOM,
} from '../../../issues/index.ts';
import { TEMPLATES } from '../../../render/index.ts';
import { longDate } from '../../pages/dates.ts';
import { render } from '../../pages/layout.tsx';
import { Outcome } from '../../pages/verdict.tsx';
import type { Site } from '../../site.ts';
import type { ActionName } from '../decisions.ts';
import type { Visit } from '../guard.ts';
import { summaryOf } from './checks.tsx';
import { moment } from './clock.ts';
import { Csrf, DeskPage } from './frame.tsx';

/** An issue as the desk shows it. */
export interface WeekView {
  issue: Issue;
  choices: Choices;
  edited: { who: string; at: Date } | undefined;
  /** What readers of everything get; null while the slot is skipped. */
  content: IssueContent | null;
  /** The same with our subject and preheader. */
  ours: IssueContent | null;
  held: Comparison[];
  leftOut: LeftOut[];
  addable: { comparison: Comparison; why: string }[];
  /** Other issues that are not at their end. */
  others: Issue[];
}

interface WeekProps {
  visit: Visit;
  /** Of a draft that can still be edited. */
  checks?: readonly PanelCheck[] | undefined;
  zone: string;
  view: WeekView;
}

/** Nothing was ever composed here. */
export function emptyPage(site: Site, visit: Visit): string {
  return render(
    <DeskPage site={site} title="This week" visit={visit} here="/editor">
      <div className="stack">
        <h1>There is no draft yet</h1>
        <p>It is composed by itself, in time for its review. Or now, from what was gathered so far.</p>
      </div>
      <form method="post" action="/editor/compose">
        <Csrf visit={visit} />
        <button type="submit">Compose it now</button>
      </form>
    </DeskPage>,
  );
}

export function weekPage(site: Site, props: WeekProps): string {
  const { visit, zone, view } = props;
  const { issue, edited, content } = view;
  const canEdit = issue.plan !== null && (issue.status === 'draft' || issue.status === 'review');
  return render(
    <DeskPage site={site} title={`Issue ${issue.slug}`} visit={visit} here="/editor">
      <p className="overline">
        {issue.number !== null && `No. ${issue.number} · `}
        <time dateTime={issue.slot}>{longDate(issue.slot)}</time>
      </p>
      <h1>{content?.subject ?? 'No issue'}</h1>
      <div className="stack lit">
        <p>{stateOf(issue, zone)}</p>
        <p className="meta" id="saved" role="status">
          {edited === undefined
            ? `Composed ${moment(issue.composedAt, zone)}, and not edited since.`
            : `Saved ${moment(edited.at, zone)} by ${edited.who}.`}
        </p>
        {issue.plan?.notes.map((note) => (
          <p className="meta" key={note}>
            {note}
          </p>
        ))}
      </div>
      {props.checks !== undefined && (
        <p className="checked">
          <a className="tap" href={`/editor/issues/${issue.slug}/checks`}>
            {`Checks: ${summaryOf(props.checks)}`}
          </a>
        </p>
      )}
      <Doings issue={issue} isPublisher={visit.editor.role === 'publisher'} />
      {view.others.length > 0 && (
        <p className="meta">
          Also open:{' '}
          {view.others.map(({ slug, status }) => (
            <a key={slug} href={`/editor/issues/${slug}`}>{`${slug} (${status}) `}</a>
          ))}
        </p>
      )}
      {content !== null && issue.plan !== null && (
        <>
          {canEdit && <Words {...props} />}
          <Ballot {...props} canEdit={canEdit} />
          <Standing content={content} />
          {canEdit && <Aside {...props} />}
          {canEdit && <Look {...props} />}
        </>
      )}
    </DeskPage>,
  );
}

/** Where it stands and what comes next, in one sentence. */
export function stateOf(issue: Issue, zone: string): string {
  const due = dueLabel(issue.dueAt, zone);
  switch (issue.status) {
    case 'draft':
    case 'review':
      return `In review. It goes out ${due}, once a publisher has approved it.`;
    case 'approved':
      return `Approved. It goes out ${due}.`;
    case 'preparing':
      return 'Its content and its audience are being frozen.';
    case 'sending':
      return 'It is being sent.';
    case 'sent':
      return 'It is sent.';
    case 'paused':
    case 'failed':
    case 'skipped':
      return `It is ${issue.status}: ${issue.reason ?? 'nobody said why.'}`;
    case 'cancelled':
      return 'It is cancelled. What was submitted stays submitted.';
  }
}

/** What can be done now, the next thing first; each leads to a page that says in numbers what it will do. */
const NEXT: Partial<Record<Issue['status'], [action: ActionName, label: string][]>> = {
  draft: [
    ['approve', 'Approve…'],
    ['cancel', 'Cancel…'],
  ],
  review: [
    ['approve', 'Approve…'],
    ['cancel', 'Cancel…'],
  ],
  approved: [
    ['send', 'Send now…'],
    ['pause', 'Pause…'],
    ['take-back', 'Take the approval back…'],
    ['cancel', 'Cancel…'],
  ],
  preparing: [
    ['pause', 'Pause…'],
    ['cancel', 'Cancel…'],
  ],
  sending: [
    ['pause', 'Pause…'],
    ['cancel', 'Cancel…'],
  ],
  paused: [
    ['resume', 'Go on…'],
    ['cancel', 'Cancel…'],
  ],
  failed: [
    ['resume', 'Try again…'],
    ['cancel', 'Cancel…'],
  ],
};

const Doings = ({ issue, isPublisher }: { issue: Issue; isPublisher: boolean }) => {
  const [first, ...others] = isPublisher ? (NEXT[issue.status] ?? []) : [];
  const here = `/editor/issues/${issue.slug}`;
  return (
    <div className="doings">
      {first !== undefined && (
        <a className="button" href={`${here}/do/${first[0]}`}>
          {first[1]}
        </a>
      )}
      {issue.plan !== null && (
        <>
          <a className="button quiet" href={`${here}/preview`}>
            Preview
          </a>
          <a className="button quiet" href={`${here}/test`}>
            Send a test
          </a>
        </>
      )}
      {others.map(([action, label]) => (
        <a className="tap" key={action} href={`${here}/do/${action}`}>
          {label}
        </a>
      ))}
    </div>
  );
};

/** Every form about a draft names the revision that it was made from. */
const EditForm = ({
  visit,
  view: { issue },
  slug,
  children,
  className,
}: WeekProps & { slug?: string; children: ReactNode; className?: string }) => (
  <form method="post" action={`/editor/issues/${issue.slug}/edit`} className={className} data-edit="">
    <Csrf visit={visit} />
    <input type="hidden" name="revision" value={issue.revision} />
    {slug !== undefined && <input type="hidden" name="slug" value={slug} />}
    {children}
  </form>
);

const Words = (props: WeekProps) => {
  const { choices, ours } = props.view;
  return (
    <section id="words">
      <h2>First lines</h2>
      <EditForm {...props} className="autosave">
        <input type="hidden" name="kind" value="words" />
        <Line name="subject" label="Subject" from={30} to={50} value={choices.subject} ours={ours?.subject} />
        <Line
          name="preheader"
          label="Preheader"
          from={40}
          to={90}
          value={choices.preheader}
          ours={ours?.preheader}
        />
        <label className="field">
          <span>Introduction</span>
          <textarea name="intro" defaultValue={choices.intro ?? ''} maxLength={ROOM.intro} />
        </label>
        <p className="meta after">An empty line is ours; what stands in it, greyed, is what would go out.</p>
        <div className="doings">
          <button type="submit" className="quiet">
            Save the lines
          </button>
        </div>
      </EditForm>
    </section>
  );
};

interface LineProps {
  name: 'subject' | 'preheader';
  label: string;
  from: number;
  to: number;
  value: string | null;
  ours: string | undefined;
}

/** One line of text with how long it is, and how long it should be. */
const Line = ({ name, label, from, to, value, ours }: LineProps) => {
  const length = lengthOf(value ?? ours ?? '');
  return (
    <label className="field">
      <span>
        {label}{' '}
        <span className={length < from || length > to ? 'count out' : 'count'} data-count={`${from}-${to}`}>
          {`${length} of ${from} to ${to} characters`}
        </span>
      </span>
      <input name={name} defaultValue={value ?? ''} placeholder={ours} maxLength={ROOM[name]} />
    </label>
  );
};

const Ballot = (props: WeekProps & { canEdit: boolean }) => {
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
          <input name="reason" maxLength={ROOM.reason} autoComplete="off" />
        </label>
        <button type="submit" name="kind" value="leave_out" className="quiet">
          Leave it out
        </button>
      </details>
    </EditForm>
  );
};

/** What stands in the issue by itself. */
const Standing = ({ content: { changed, readers } }: { content: IssueContent }) =>
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

/** What is not in the issue, and could be. */
const Aside = (props: WeekProps) => {
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
          row(comparison, `left out by ${who}, ${moment(at, props.zone)}: ${reason}`, 'Put back'),
        )}
        {addable.map(({ comparison, why }) => row(comparison, why, 'Add'))}
      </ul>
      <form method="post" action={`/editor/issues/${issue.slug}/compose`}>
        <Csrf visit={props.visit} />
        <button type="submit" className="word">
          Compose it again from all that is new; your choices stay
        </button>
      </form>
    </section>
  );
};

const TEMPLATE_NAMES: Record<(typeof TEMPLATES)[number], string> = {
  'react:digest': 'React Email',
  'mjml:digest': 'MJML',
};

const Look = (props: WeekProps) => {
  const { issue, choices, held } = props.view;
  const comparisons = [...(issue.plan?.comparisons.map(({ comparison }) => comparison) ?? []), ...held];
  const offered = new Map(
    [...comparisons.flatMap(topics), ...choices.withoutTopics].map((topic) => [topic.toLowerCase(), topic]),
  );
  const without = new Set(choices.withoutTopics.map((topic) => topic.toLowerCase()));
  return (
    <section id="look">
      <h2>Template and topics</h2>
      <EditForm {...props}>
        <div className="two">
          <fieldset>
            <legend>Drawn by</legend>
            {TEMPLATES.map((template) => (
              <label className="tick" key={template}>
                <input
                  type="radio"
                  name="template"
                  value={template}
                  defaultChecked={template === issue.template}
                />
                {TEMPLATE_NAMES[template]}
              </label>
            ))}
          </fieldset>
          <fieldset>
            <legend>Topics of this issue; the rest waits for the next</legend>
            {[...offered.entries()]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([key, topic]) => (
                <label className="tick" key={key}>
                  <input type="checkbox" name="topic" value={topic} defaultChecked={!without.has(key)} />
                  <input type="hidden" name="offered" value={topic} />
                  {topic}
                </label>
              ))}
          </fieldset>
        </div>
        <button type="submit" name="kind" value="look" className="quiet">
          Save template and topics
        </button>
      </EditForm>
    </section>
  );
};
