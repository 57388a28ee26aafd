import type { Found } from '../../../subscribers/index.ts';
import { render } from '../../pages/layout.tsx';
import type { Site } from '../../site.ts';
import type { Visit } from '../guard.ts';
import { moment } from './clock.ts';
import { Csrf, DeskPage } from './frame.tsx';
import { figure } from './numbers.ts';

interface PeopleProps {
  visit: Visit;
  zone: string;
  counts: Record<Found['status'], number>;
  search?: {
    typed: string;
    found: Found[];
    /** Key to go on from. */
    more: string | undefined;
  };
}

const WORDS: Record<Found['status'], string> = {
  active: 'active: they get the next issue',
  pending: 'pending: they have not confirmed',
  unsubscribed: 'unsubscribed: they left',
  suppressed: 'suppressed: never mailed again',
};

export function peoplePage(site: Site, { visit, zone, counts, search }: PeopleProps): string {
  return render(
    <DeskPage site={site} title="Subscribers" visit={visit} here="/editor/people">
      <h1>Subscribers</h1>
      <ul className="numbers">
        {(Object.keys(WORDS) as Found['status'][]).map((status) => (
          <li key={status}>
            <b>{figure(counts[status])}</b> <span>{WORDS[status]}</span>
          </li>
        ))}
      </ul>
      <p>
        <a className="tap" href="/editor/growth">
          How the list grows
        </a>
      </p>
      <form method="post" action="/editor/people">
        <Csrf visit={visit} />
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
      {search !== undefined && search.typed !== '' && <Results {...{ visit, zone, ...search }} />}
    </DeskPage>,
  );
}

const Results = ({
  visit,
  zone,
  typed,
  found,
  more,
}: { visit: Visit; zone: string } & NonNullable<PeopleProps['search']>) =>
  found.length === 0 ? (
    <p className="notice after" role="status">
      Nobody’s address begins like that.
    </p>
  ) : (
    <>
      <table className="log">
        <caption>Their addresses begin with “{typed}”</caption>
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Status</th>
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ id, email, status, createdAt }) => (
            <tr key={id}>
              <td className="any">
                <a href={`/editor/people/${id}`}>{email}</a>
              </td>
              <td>{status}</td>
              <td>{moment(createdAt, zone)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more !== undefined && (
        <form method="post" action="/editor/people">
          <Csrf visit={visit} />
          <input type="hidden" name="address" value={typed} />
          <input type="hidden" name="after" value={more} />
          <button type="submit" className="word">
            More
          </button>
        </form>
      )}
    </>
  );
