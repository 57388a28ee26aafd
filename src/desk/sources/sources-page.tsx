import type { MissingOfSource } from '../../comparisons/gone/gone-store.ts';
import { UNSEEN } from '../../comparisons/model.ts';
import type { ListedReprint } from '../../comparisons/reprints/reprint-store.ts';
import type { Notice } from '../../notices/notice-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { listFaults } from '../../sources/faults.ts';
import type { GatherRecord, Health, QuarantineEntry } from '../../sources/source-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { count } from '../frame/numbers.ts';
import { OpenNotices } from '../frame/open-notices.tsx';
import { Table } from '../frame/table.tsx';
import { MissingComparisons } from './missing-comparisons.tsx';
import { ReprintQuestions } from './reprint-questions.tsx';

interface SourcesProps {
  session: DeskSession;
  zone: string;
  gathered: GatherRecord | undefined;
  health: Health[];
  quarantine: { total: number; entries: QuarantineEntry[] };
  notices: Notice[];
  reprints: ListedReprint[];
  missing: MissingOfSource[];
  /** Whether a worker was just asked to gather. */
  isGathering: boolean;
}

/** The most skipped pages of the last gathering on the page. */
const SHOWN = 50;

export function sourcesPage(site: Site, props: SourcesProps): string {
  const { session, zone, gathered, health, quarantine, notices, reprints, missing, isGathering } = props;
  const sick = new Map(health.map((each) => [each.source, each]));
  return render(
    <DeskPage site={site} title="Sources" session={session} here="/editor/sources">
      <h1>Sources</h1>
      {isGathering && (
        <p className="notice after" role="status">
          A worker looks at them now. What it finds stands here in a moment.
        </p>
      )}
      <OpenNotices notices={notices} zone={zone} />
      <form method="post" action="/editor/sources/gather">
        <Csrf session={session} />
        <button type="submit">Gather now</button>
      </form>
      <ReprintQuestions session={session} zone={zone} reprints={reprints} />
      <MissingComparisons session={session} missing={missing} />
      <section>
        <h2>The last look</h2>
        {gathered === undefined ? (
          <p>Nobody has looked yet.</p>
        ) : (
          <>
            <p className="meta">
              {`${formatTime(gathered.at, zone)}: ${gathered.added} new, ${gathered.changed} changed, ${gathered.unchanged} unchanged`}
            </p>
            <Table
              label="Sources in the last look"
              columns={[
                { head: 'Source', cell: ({ source }) => source, breaks: true },
                {
                  head: 'Found',
                  cell: ({ comparisons, unchanged, rejected }) =>
                    count(comparisons + unchanged, 'comparison') +
                    (rejected > 0 ? `, ${rejected} skipped` : ''),
                },
                {
                  head: 'Health',
                  cell: ({ source, fault }) => fault ?? healthOf(sick.get(source), zone),
                  breaks: true,
                },
              ]}
              rows={gathered.sources}
            />
            {gathered.rejected.length > 0 && (
              <details>
                <summary>{count(gathered.rejected.length, 'page was', 'pages were')} skipped</summary>
                <ul className="aside">
                  {gathered.rejected.slice(0, SHOWN).map(({ name, reason }) => (
                    <li key={name + reason}>
                      {name.replace(UNSEEN, '')} <span className="meta">{reason}</span>
                    </li>
                  ))}
                </ul>
                {gathered.rejected.length > SHOWN && (
                  <p className="meta">
                    The first {SHOWN} are shown; <code>verdict status --json</code> has all.
                  </p>
                )}
              </details>
            )}
          </>
        )}
      </section>
      <section>
        <h2>Quarantine</h2>
        {quarantine.total === 0 ? (
          <p>Nothing waits here.</p>
        ) : (
          <>
            <p>
              {`${count(quarantine.total, 'page is', 'pages are')} no complete comparison. Each is read again when it changes.`}
              {quarantine.total > quarantine.entries.length && (
                <>
                  {` The newest ${quarantine.entries.length} are shown; `}
                  <code>verdict status --json</code> has more.
                </>
              )}
            </p>
            <ul className="aside">
              {quarantine.entries.map(({ source, url, faults, firstSeenAt }) => (
                <li key={source + url}>
                  <p>{url.replace(UNSEEN, '')}</p>
                  <p className="meta">{`${listFaults(faults)} · since ${formatTime(firstSeenAt, zone)}`}</p>
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
    </DeskPage>,
  );
}

function healthOf(health: Health | undefined, zone: string): string {
  if (health === undefined) return 'well';
  const { failures, isFailing, recoveredAt } = health;
  if (failures > 0) return `${isFailing ? 'failing' : 'failed'}, ${count(failures, 'time')} in a row`;
  return recoveredAt === null ? 'well' : `well again since ${formatTime(recoveredAt, zone)}`;
}
