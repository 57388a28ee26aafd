import type { Issue } from '../../issues/issue-store.ts';
import { dueLabel, formatMoment } from '../../issues/slot.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { Estimate } from '../../sending/preview/estimate.ts';
import { type Progress, total } from '../../sending/progress.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { count, formatNumber, reasonOf } from '../frame/numbers.ts';
import { Counters } from '../frame/table.tsx';
import { type ActionName, REASON_MAX_LENGTH } from './decisions.ts';
import { Overline, stateOf } from './week-state.tsx';

/** The estimate before the audience is frozen, the progress after that. */
export type ActionCounters =
  | { kind: 'estimate'; estimate: Estimate }
  | { kind: 'frozen'; progress: Progress };

interface ActionProps {
  session: DeskSession;
  zone: string;
  issue: Issue;
  action: ActionName;
  counters: ActionCounters;
  now: Date;
}

const WORDS: Record<ActionName, { title: string; button: string }> = {
  approve: { title: 'Approve this issue?', button: 'Approve it' },
  'take-back': { title: 'Take the approval back?', button: 'Take it back' },
  move: { title: 'Move it to another time?', button: 'Move it' },
  send: { title: 'Send it now?', button: 'Send it now' },
  pause: { title: 'Pause it?', button: 'Pause it' },
  resume: { title: 'Go on with it?', button: 'Go on' },
  cancel: { title: 'Cancel it for good?', button: 'Cancel it for good' },
};

/** Actions that send the issue; only these show who would get it. */
const SENDS: ReadonlySet<ActionName> = new Set(['approve', 'send', 'resume']);

/** The page of one action: its effect in counters, and one button. */
export function actionPage(site: Site, { session, zone, issue, action, counters, now }: ActionProps): string {
  const words = WORDS[action];
  const mayAct = session.editor.role === 'publisher';
  return render(
    <DeskPage site={site} title={words.title} session={session}>
      <Overline issue={issue} />
      <h1>{words.title}</h1>
      <div className="stack lit">
        <p>
          <strong>{sentence(action, issue, counters, zone, now)}</strong>
        </p>
        <p className="meta">{stateOf(issue, zone)}</p>
      </div>
      {mayAct ? (
        <form method="post">
          <Csrf session={session} />
          <input type="hidden" name="plan" value={issue.planHash ?? ''} />
          {action === 'move' && (
            <label className="field">
              <span>{`The new time, in ${zone}`}</span>
              <input
                type="datetime-local"
                name="to"
                required
                defaultValue={formatMoment(issue.dueAt, zone)}
              />
            </label>
          )}
          {(action === 'pause' || action === 'cancel') && (
            <label className="field">
              <span>Why, for the log and the other editors</span>
              <input name="reason" maxLength={REASON_MAX_LENGTH} autoComplete="off" />
            </label>
          )}
          <div className="doings">
            <button type="submit">{words.button}</button>
            <a className="button quiet" href={`/editor/issues/${issue.slug}`}>
              Back, and change nothing
            </a>
          </div>
        </form>
      ) : (
        <p className="notice after">That takes a publisher; you are signed in as an editor.</p>
      )}
      {(counters.kind === 'frozen' || SENDS.has(action)) && <List counters={counters} />}
    </DeskPage>,
  );
}

function sentence(
  action: ActionName,
  issue: Issue,
  counters: ActionCounters,
  zone: string,
  now: Date,
): string {
  const due = dueLabel(issue.dueAt, zone);
  const isLate = issue.dueAt <= now;
  const whom = counters.kind === 'estimate' ? reach(counters.estimate) : toGo(counters.progress);
  switch (action) {
    case 'approve':
      return `It goes ${whom}, ${isLate ? 'at once: its slot has passed' : `from ${due}`}.`;
    case 'take-back':
      return 'It can be edited again, and does not go out until it is approved again.';
    case 'move':
      return `It is due ${due}. Only this issue is moved; the next one keeps its slot, and an approval stays.`;
    case 'send':
      return `It goes ${whom}, from now.`;
    case 'resume':
      if (issue.resumeTo === 'review') return 'It can be edited again. It goes out when it is approved.';
      if (issue.resumeTo !== 'approved') return `It goes on ${whom}. Nobody gets it twice.`;
      return `It goes ${whom}, ${isLate ? 'from now' : `from ${due}`}.`;
    case 'pause':
      return counters.kind === 'frozen'
        ? `It stops before ${count(counters.progress.prepared, 'person', 'people')} who did not get it yet. What was submitted stays submitted.`
        : 'It does not go out until somebody lets it go on.';
    case 'cancel':
      return counters.kind === 'frozen'
        ? `${count(counters.progress.prepared, 'person', 'people')} will never get it. What was submitted stays submitted.`
        : 'Nobody gets it. Its comparisons stand for the next issue.';
  }
}

function reach({ people, variants }: Estimate): string {
  return `to ${count(people, 'person', 'people')} in ${count(variants.length, 'variant')}`;
}

function toGo({ prepared, submitted }: Progress): string {
  return `to ${count(prepared, 'person', 'people')}; ${formatNumber(submitted)} have been submitted`;
}

const List = ({ counters }: { counters: ActionCounters }) => {
  const rows: [number, string][] =
    counters.kind === 'estimate'
      ? [
          ...counters.estimate.variants
            .toSorted((a, b) => b.people - a.people)
            .map(({ people, topics, number }): [number, string] => [
              people,
              number === 1 ? 'get everything' : `get ${topics.join(', ')}`,
            ]),
          ...reasons(counters.estimate.excluded, 'get nothing'),
        ]
      : [
          [counters.progress.submitted, 'submitted'],
          [counters.progress.prepared, 'to go'],
          [counters.progress.uncertain, 'uncertain'],
          [total(counters.progress.failed), 'failed'],
          ...reasons(counters.progress.excluded, 'excluded'),
        ];
  return <Counters rows={rows} />;
};

function reasons(excluded: Record<string, number>, words: string): [number, string][] {
  return Object.entries(excluded).map(([reason, value]) => [value, `${words}: ${reasonOf(reason)}`]);
}
