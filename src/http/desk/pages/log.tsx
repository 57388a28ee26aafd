import type { AuditEntry, Deed } from '../../../desk/index.ts';
import { render } from '../../pages/layout.tsx';
import type { Site } from '../../site.ts';
import type { Visit } from '../guard.ts';
import { moment } from './clock.ts';
import { DeskPage } from './frame.tsx';

const WORDS: Record<Deed, string> = {
  link_asked: 'asked for a sign-in link',
  signed_in: 'signed in',
  signed_out: 'signed out',
  signed_out_everywhere: 'signed out everywhere',
  edited: 'edited',
  composed: 'composed again',
  approved: 'approved',
  approval_taken_back: 'took the approval back',
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
  gather_rung: 'had the sources looked at',
  job_tended: 'saw to a queue',
  suppressed: 'suppressed a reader',
  erased: 'erased a reader',
  link_refused: 'refused: a sign-in link',
  session_refused: 'refused: a session',
  form_refused: 'refused: a form that was not ours',
  role_refused: 'refused: what takes a publisher',
};

interface LogProps {
  visit: Visit;
  entries: (AuditEntry & { id: number; at: Date })[];
  /** Id to go on from. */
  more: number | undefined;
  zone: string;
}

export function logPage(site: Site, { visit, entries, more, zone }: LogProps): string {
  return render(
    <DeskPage site={site} title="Log" visit={visit} here="/editor/log">
      <div className="stack">
        <h1>Log</h1>
        <p>Everything done at this desk, and everything refused. Nothing in it can be changed.</p>
      </div>
      <table className="log">
        <caption>Newest first, times in {zone}</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(({ id, at, who, what, issue, details }) => (
            <tr key={id}>
              <td>{moment(at, zone)}</td>
              <td className="any">{who ?? 'somebody'}</td>
              <td className="any">
                {WORDS[what]}
                {issue !== undefined && ` ${issue}`}
                <Details of={details ?? {}} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
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

const Details = ({ of }: { of: Record<string, unknown> }) => {
  const parts = Object.entries(of).filter(([, value]) => value !== null && value !== '');
  if (parts.length === 0) return null;
  return (
    <span className="meta">
      {' · '}
      {parts
        .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
        .join(' · ')}
    </span>
  );
};
