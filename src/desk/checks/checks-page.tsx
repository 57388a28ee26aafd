import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { SIZE_LIMITS } from '../../render/checks.ts';
import { type Area, isBlocking, type PanelCheck } from '../../sending/inspection/check-panel.ts';
import { type Inspection, REASON_FROM } from '../../sending/inspection/inspect-issue.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Table } from '../frame/table.tsx';
import { REASON_MAX_LENGTH } from '../this-week/decisions.ts';
import { Overline } from '../this-week/week-state.tsx';
import { GoneComparisons } from './gone-comparisons.tsx';

interface ChecksProps {
  session: DeskSession;
  zone: string;
  issue: Issue;
  inspection: Inspection;
}

/** The areas of the checks, in the order of the page, and the page of the desk that fixes each. */
const AREAS: Record<Area, { name: string; well: string; place: [label: string, anchor: string] | null }> = {
  words: {
    name: 'First lines',
    well: 'Subject and preheader can stand.',
    place: ['Edit the lines', '#words'],
  },
  comparisons: {
    name: 'Comparisons',
    well: 'Prices, dates and comparisons are as their pages have them.',
    place: ['Go to it', '#ballot'],
  },
  links: { name: 'Links', well: 'Every link leads where it should.', place: null },
  size: { name: 'Size', well: 'No mail program cuts it off.', place: ['Shorten the ballot', '#ballot'] },
  mail: {
    name: 'Mail',
    well: 'Headings, texts of images, languages, links and plain text are in order, and Gmail, Outlook, Apple Mail and Yahoo understand it.',
    place: ['Look at the template', '#look'],
  },
  sources: {
    name: 'Sources',
    well: 'Every source is read, and nothing new waits in quarantine.',
    place: null,
  },
  'set-up': { name: 'Set-up', well: 'Settings and DNS are in order.', place: null },
};

/** "1 stops it, 2 to look at". */
export function summaryOf(checks: readonly PanelCheck[]): string {
  const blocking = checks.filter(isBlocking).length;
  const warnings = checks.filter(({ level }) => level === 'warn').length;
  const overridden = checks.length - blocking - warnings;
  const parts = [
    ...(blocking > 0 ? [`${blocking} ${blocking === 1 ? 'stops' : 'stop'} it`] : []),
    ...(overridden > 0 ? [`${overridden} let stand`] : []),
    ...(warnings > 0 ? [`${warnings} to look at`] : []),
  ];
  return parts.length === 0 ? 'all is well' : parts.join(', ');
}

/** While the first checks of this content are being made. The page looks again by itself. */
export function checksInProgressPage(site: Site, session: DeskSession, issue: Issue): string {
  const here = `/editor/issues/${issue.slug}`;
  return render(
    <DeskPage site={site} title="Checks" session={session} refreshSeconds={2}>
      <Overline issue={issue} />
      <h1>The checks are being made</h1>
      <div className="stack">
        <p>
          Every variant of the issue is rendered for them. This page shows them as soon as they are there.
        </p>
      </div>
      <p>
        <a className="button" href={`${here}/checks`}>
          Look again
        </a>{' '}
        <a className="button quiet" href={here}>
          Back to the issue
        </a>
      </p>
    </DeskPage>,
  );
}

export function checksPage(site: Site, props: ChecksProps): string {
  const { session, zone, issue, inspection } = props;
  const { checks } = inspection;
  const here = `/editor/issues/${issue.slug}`;
  const well = (Object.keys(AREAS) as Area[]).filter((area) => checks.every((check) => check.area !== area));
  const summary = summaryOf(checks);
  return render(
    <DeskPage site={site} title="Checks" session={session}>
      <Overline issue={issue} />
      <h1>{summary.charAt(0).toUpperCase() + summary.slice(1)}</h1>
      <div className="stack">
        <p>
          {checks.some(isBlocking)
            ? 'What stops it has to be mended before the issue can be approved.'
            : 'Nothing stops an approval.'}
        </p>
      </div>
      <ul className="aside checks">
        {checks.map((check) => (
          <Line key={check.key + check.where + check.message} check={check} {...props} />
        ))}
        {well.map((area) => (
          <li key={area}>
            <Sign kind="well" /> <strong>{AREAS[area].name}</strong>: {AREAS[area].well}
          </li>
        ))}
      </ul>
      <GoneComparisons {...{ session, zone, issue }} gone={inspection.gone} />
      <Sizes inspection={inspection} />
      <Links {...props} />
      <p>
        <a className="button quiet" href={here}>
          Back to the issue
        </a>
      </p>
    </DeskPage>,
  );
}

const SIGNS = {
  stops: ['■', 'Stops it'],
  stands: ['◩', 'Let stand'],
  look: ['□', 'Look'],
  well: ['○', 'Well'],
} as const;

/** A shape and its word, for people who see no colours or no shapes. */
const Sign = ({ kind }: { kind: keyof typeof SIGNS }) => (
  <span className={`sign ${kind}`}>
    <span aria-hidden="true">{SIGNS[kind][0]}</span> {SIGNS[kind][1]}
  </span>
);

const Line = ({ check, ...props }: ChecksProps & { check: PanelCheck }) => {
  const { issue, session } = props;
  const { override, comparison, topics } = check;
  const kind = isBlocking(check) ? 'stops' : override !== null ? 'stands' : 'look';
  return (
    <li>
      <p>
        <Sign kind={kind} /> <strong>{check.where}</strong>
        {topics !== null && topics.length > 0 && (
          <span className="meta"> · for readers of {topics.join(', ')}</span>
        )}
      </p>
      <p>
        {check.message} <span className="meta">{check.help}</span>{' '}
        <FixLink area={check.area} issue={issue} slug={comparison?.slug} />
      </p>
      {override !== null && (
        <p className="meta">
          {`Let stand by ${override.who}, ${formatTime(override.at, props.zone)}: ${override.reason}`}
        </p>
      )}
      {kind === 'stops' &&
        check.isOverridable &&
        (session.editor.role === 'publisher' ? (
          <details>
            <summary className="word">Let it stand…</summary>
            <form method="post" action={`/editor/issues/${issue.slug}/checks/override`}>
              <Csrf session={session} />
              <input type="hidden" name="plan" value={issue.planHash ?? ''} />
              <input type="hidden" name="template" value={issue.template} />
              <input type="hidden" name="key" value={check.key} />
              <label className="field">
                <span>Why it may stand, for the log: {REASON_FROM} characters or more</span>
                <input
                  name="reason"
                  required
                  minLength={REASON_FROM}
                  maxLength={REASON_MAX_LENGTH}
                  autoComplete="off"
                />
              </label>
              <button type="submit" className="quiet">
                Let it stand for this version
              </button>
            </form>
          </details>
        ) : (
          <p className="meta">A publisher may let it stand, with a reason.</p>
        ))}
    </li>
  );
};

/** A link to the page of the desk that fixes it. */
const FixLink = ({ area, issue, slug }: { area: Area; issue: Issue; slug: string | undefined }) => {
  const isPlanned = issue.plan?.comparisons.some(({ comparison }) => comparison.slug === slug) ?? false;
  const here = `/editor/issues/${issue.slug}`;
  if (isPlanned) return <a href={`${here}#at-${slug}`}>Go to it</a>;
  if (area === 'links') return <a href="#links">See the links</a>;
  const { place } = AREAS[area];
  return place === null ? null : <a href={here + place[1]}>{place[0]}</a>;
};

/** The size at which Gmail clips a mail, in bytes. */
const GMAIL_CLIP_BYTES = 102_000;

const kB = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`;

const Sizes = ({ inspection }: Pick<ChecksProps, 'inspection'>) => (
  <section>
    <h2>Size</h2>
    <Table
      caption={`Gmail cuts a mail off at about ${kB(GMAIL_CLIP_BYTES)}; more than ${kB(SIZE_LIMITS.block)} stops an approval`}
      columns={[
        {
          head: 'For readers of',
          cell: ({ topics }) => (topics.length === 0 ? 'everything' : topics.join(', ')),
          breaks: true,
          isHead: true,
        },
        {
          head: 'Html',
          cell: ({ bytes }) => (
            <>
              {`${kB(bytes)}, ${Math.round((bytes / GMAIL_CLIP_BYTES) * 100)}%`}
              <svg width="100%" height="6" className="meter" aria-hidden="true" focusable="false">
                <rect width={`${Math.min(100, (bytes / GMAIL_CLIP_BYTES) * 100)}%`} height="6" />
              </svg>
            </>
          ),
        },
      ]}
      rows={inspection.variants}
    />
  </section>
);

const Links = ({ inspection: { links }, issue, session, zone }: ChecksProps) => (
  <section id="links">
    <h2>Links</h2>
    <p className="meta">
      We follow them as we gather: one at a time at a site, as its rules allow, and never a reader’s own link.
    </p>
    <form method="post" action={`/editor/issues/${issue.slug}/checks/links`}>
      <Csrf session={session} />
      <button type="submit" className="quiet">
        Follow the links now
      </button>
    </form>
    <Table
      caption="Where readers are sent"
      columns={[
        {
          head: 'Page',
          cell: ({ url, title }) => (
            <a href={url} rel="noreferrer">
              {title}
            </a>
          ),
          breaks: true,
          isHead: true,
        },
        { head: 'What came of it', cell: ({ fact }) => describeFact(fact, zone), breaks: true },
      ]}
      rows={links}
    />
  </section>
);

function describeFact(fact: Inspection['links'][number]['fact'], zone: string): string {
  if (fact === undefined) return 'not followed yet';
  return `${fact.reason === null ? 'it is there' : `it ${fact.reason}`}, ${formatTime(fact.checkedAt, zone)}`;
}
