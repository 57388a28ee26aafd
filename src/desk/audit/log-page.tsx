import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { DeskPage } from '../frame/frame.tsx';
import { Table } from '../frame/table.tsx';
import type { AuditAction, ListedAudit } from './audit-actions.ts';

const WORDS: Record<AuditAction, string> = {
  link_asked: 'asked for a sign-in link',
  link_printed: 'printed a sign-in link',
  signed_in: 'signed in',
  signed_out: 'signed out',
  signed_out_everywhere: 'signed out everywhere',
  access_ended: 'is no editor any more: what they had open was ended',
  passkey_added: 'added a passkey',
  passkey_used: 'used a passkey',
  passkey_renamed: 'renamed a passkey',
  passkey_removed: 'removed a passkey',
  passkeys_reset: 'took all passkeys of an editor away',
  edited: 'edited',
  composed: 'composed again',
  approved: 'approved',
  approval_taken_back: 'took the approval back',
  moved: 'moved to another time',
  sent: 'sent',
  paused: 'paused',
  resumed: 'resumed',
  cancelled: 'cancelled',
  check_overridden: 'let a red check stand in',
  links_followed: 'followed the links of',
  test_sent: 'sent a test of',
  review_opened: 'made a link for reviewers of',
  review_revoked: 'took back a link for reviewers of',
  batch_settled: 'settled a batch of',
  retried: 'tried again with readers who failed, of',
  gather_rung: 'had the sources looked at',
  missing_confirmed: 'said that what a source misses is gone',
  gone_left_out: 'left out what is gone, of',
  reprint_answered: 'said whether a change of the site is news',
  job_tended: 'saw to a queue',
  suppressed: 'suppressed a reader',
  comparison_hidden: 'took down a comparison',
  comparison_shown: 'showed a comparison again',
  votes_counted: 'let votes count that were set aside',
  votes_discarded: 'discarded votes that were set aside',
  restored: 'lifted a bounce of a reader',
  erased: 'erased a reader',
  people_searched: 'searched for readers',
  person_read: 'read the page of a reader',
  exported: 'took a file along',
  link_refused: 'refused: a sign-in link',
  session_refused: 'refused: a session',
  form_refused: 'refused: a form that was not ours',
  role_refused: 'refused: what takes a publisher',
  passkey_refused: 'refused: a passkey',
};

interface LogProps {
  session: DeskSession;
  entries: ListedAudit[];
  /** Id from which the next page continues. */
  more: number | undefined;
  zone: string;
}

export function logPage(site: Site, { session, entries, more, zone }: LogProps): string {
  return render(
    <DeskPage site={site} title="Log" session={session} here="/editor/log">
      <div className="stack">
        <h1>Log</h1>
        <p>Everything done at this desk, and everything refused. Nothing in it can be changed.</p>
      </div>
      <Table
        caption={`Newest first, times in ${zone}`}
        columns={[
          { head: 'When', cell: ({ at }) => formatTime(at, zone) },
          { head: 'Who', cell: ({ who }) => who ?? 'somebody', breaks: true },
          { head: 'What', cell: What, breaks: true },
        ]}
        rows={entries}
      />
      {more !== undefined && (
        <p>
          <a className="tap" href={`/editor/log?before=${more}`}>
            Earlier
          </a>
        </p>
      )}
    </DeskPage>,
  );
}

const What = ({ what, issue, details = {}, summary }: ListedAudit) => {
  if (summary !== undefined)
    return `${WORDS[what]}: ${summary.count} more times in this hour, beyond those listed one by one`;
  const parts = Object.entries(details).filter(([, value]) => value !== null && value !== '');
  return (
    <>
      {WORDS[what]}
      {issue !== undefined && ` ${issue}`}
      {parts.length > 0 && (
        <span className="meta">{` · ${parts.map(([name, value]) => `${name}: ${briefly(value)}`).join(' · ')}`}</span>
      )}
    </>
  );
};

/** The most characters of one detail on the page. The log itself stores it in full. */
const DETAIL_MAX_LENGTH = 200;

function briefly(detail: unknown): string {
  const letters = [...(Array.isArray(detail) ? detail.join(', ') : String(detail))];
  return letters.length > DETAIL_MAX_LENGTH
    ? `${letters.slice(0, DETAIL_MAX_LENGTH).join('').trimEnd()}…`
    : letters.join('');
}
