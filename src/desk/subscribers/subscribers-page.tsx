import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { Found } from '../../subscribers/people-store.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Counters, Table } from '../frame/table.tsx';

interface PeopleProps {
  session: DeskSession;
  zone: string;
  counts: Record<Found['status'], number>;
  search?: {
    typed: string;
    found: Found[];
    /** Key from which the next page continues. */
    more: string | undefined;
  };
}

const WORDS: Record<Found['status'], string> = {
  active: 'active: they get the next issue',
  pending: 'pending: they have not confirmed',
  unsubscribed: 'unsubscribed: they left',
  suppressed: 'suppressed: never mailed again',
};
const STATUSES = Object.keys(WORDS) as Found['status'][];

export function peoplePage(site: Site, { session, zone, counts, search }: PeopleProps): string {
  return render(
    <DeskPage site={site} title="Subscribers" session={session} here="/editor/people">
      <h1>Subscribers</h1>
      <Counters rows={STATUSES.map((status) => [counts[status], WORDS[status]])} />
      <p>
        <a className="tap" href="/editor/growth">
          How the list grows
        </a>
      </p>
      <form method="post" action="/editor/people">
        <Csrf session={session} />
        <label className="field">
          <span>An address, or how it begins</span>
          <input
            name="address"
            defaultValue={search?.typed}
            maxLength={254}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </label>
        <div className="doings">
          <button type="submit">Search</button>
        </div>
      </form>
      {search !== undefined && search.typed !== '' && <Results {...{ session, zone, ...search }} />}
    </DeskPage>,
  );
}

const Results = ({
  session,
  zone,
  typed,
  found,
  more,
}: { session: DeskSession; zone: string } & NonNullable<PeopleProps['search']>) =>
  found.length === 0 ? (
    <p className="notice after" role="status">
      Nobody’s address begins like that.
    </p>
  ) : (
    <>
      <Table
        caption={`Their addresses begin with “${typed}”`}
        columns={[
          {
            head: 'Address',
            cell: ({ id, email }) => <a href={`/editor/people/${id}`}>{email}</a>,
            breaks: true,
          },
          { head: 'Status', cell: ({ status }) => status },
          { head: 'Since', cell: ({ createdAt }) => formatTime(createdAt, zone) },
        ]}
        rows={found}
      />
      {more !== undefined && (
        <form method="post" action="/editor/people">
          <Csrf session={session} />
          <input type="hidden" name="address" value={typed} />
          <input type="hidden" name="after" value={more} />
          <button type="submit" className="word">
            More
          </button>
        </form>
      )}
    </>
  );
