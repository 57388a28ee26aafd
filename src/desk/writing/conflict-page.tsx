import { title } from '../../comparisons/names.ts';
import type { Edit } from '../../issues/edit.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { TemplateRef } from '../../render/render-variant.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Table } from '../frame/table.tsx';
import type { WeekView } from './edit-form.tsx';
import { TEMPLATE_NAMES } from './edit-lines.tsx';

const WORDS: Record<Edit['kind'], string> = {
  up: 'move one place up',
  down: 'move one place down',
  move: 'move to another place',
  lead: 'pin as the lead',
  unpin: 'unpin the lead',
  reorder: 'go back to the order of interest',
  hold: 'hold back',
  leave_out: 'leave out',
  add: 'add',
  row_hold: 'hold back',
  row_leave_out: 'leave out',
  row_add: 'put back',
  words: 'change the first lines',
  look: 'change template and topics',
};

/** The names of the fields, as in the form. */
const LINES = { subject: 'Subject', preheader: 'Preheader', intro: 'Introduction' } as const;

interface ConflictProps {
  session: DeskSession;
  zone: string;
  /** The current issue. */
  view: WeekView;
  edit: Edit;
  /** The form that was sent. */
  form: URLSearchParams;
}

/** For two concurrent edits: the current content beside the edit, and the choice between the two. */
export function conflictPage(site: Site, { session, zone, view, edit, form }: ConflictProps): string {
  const { issue, edited, choices, content } = view;
  const here = `/editor/issues/${issue.slug}`;
  const lines =
    edit.kind === 'words'
      ? (['subject', 'preheader', 'intro'] as const).map((name) => ({
          line: LINES[name],
          theirs: choices[name] ?? 'ours',
          yours: edit[name] || 'ours',
        }))
      : [];
  return render(
    <DeskPage site={site} title="Somebody else was faster" session={session}>
      <div className="stack">
        <h1>Somebody else was faster</h1>
        <p>
          Nothing of yours was saved.{' '}
          {edited !== undefined && `The issue was changed by ${edited.who}, ${formatTime(edited.at, zone)}.`}
        </p>
      </div>
      {lines.length > 0 ? (
        <Table
          caption="Both versions"
          columns={[
            { head: 'Line', cell: ({ line }) => line, isHead: true },
            { head: 'As it is now', cell: ({ theirs }) => theirs },
            {
              head: 'As you wrote it',
              cell: ({ theirs, yours }) => (theirs === yours ? 'the same' : <strong>{yours}</strong>),
            },
          ]}
          rows={lines}
        />
      ) : (
        <div className="two">
          <section>
            <h2>As it is now</h2>
            <p>{content?.subject}</p>
            <ol>
              {issue.plan?.comparisons.map(({ comparison }) => (
                <li key={comparison.slug}>{title(comparison)}</li>
              ))}
            </ol>
          </section>
          <section>
            <h2>What you wanted</h2>
            <p>
              {'slug' in edit && <strong>{edit.slug}: </strong>}
              {'key' in edit && <strong>{edit.key}: </strong>}
              {WORDS[edit.kind]}
              {edit.kind === 'move' && `, ${edit.before === null ? 'to the end' : `before ${edit.before}`}`}
              {edit.kind === 'leave_out' && `, because: ${edit.reason}`}
              {edit.kind === 'look' &&
                `: ${TEMPLATE_NAMES[edit.template as TemplateRef]}, without ${edit.withoutTopics.join(', ') || 'nothing'}`}
            </p>
          </section>
        </div>
      )}
      <div className="doings">
        <a className="button" href={here}>
          Keep it as it is now
        </a>
        <form method="post" action={`${here}/edit`}>
          <Csrf session={session} />
          <input type="hidden" name="revision" value={issue.revision} />
          {[...form]
            .filter(([name]) => name !== 'csrf' && name !== 'revision')
            .map(([name, value]) => (
              <input type="hidden" name={name} value={value} key={`${name} ${value}`} />
            ))}
          <button type="submit" className="quiet">
            Do mine on top
          </button>
        </form>
      </div>
    </DeskPage>,
  );
}
