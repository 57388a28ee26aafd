import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { EventAbout } from '../../sending/counters/counter-store.ts';
import type { OwnData } from '../../subscribers/erase/own-data-store.ts';
import type { Subscriber } from '../../subscribers/subscriber-store.ts';
import { describeCause, suppressionCause } from '../../subscribers/suppression.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { reasonOf } from '../frame/numbers.ts';
import { Table } from '../frame/table.tsx';
import { REASON_MAX_LENGTH } from '../this-week/decisions.ts';

/** All data in the database about one person. */
type History = OwnData & { events: EventAbout[] };

interface PersonProps {
  session: DeskSession;
  zone: string;
  id: string;
  history: History;
}

export function personPage(site: Site, { session, zone, id, history }: PersonProps): string {
  const { subscriber, consents, deliveries, events, votes, mails } = history;
  const isErased = subscriber.reason === 'erased';
  const at = (text: string | null) => (text === null ? '—' : formatTime(new Date(text), zone));
  return render(
    <DeskPage site={site} title="One subscriber" session={session} here="/editor/people">
      <p className="overline">{subscriber.status}</p>
      <h1 className="address">{isErased ? 'Somebody who was forgotten' : subscriber.email}</h1>
      <dl className="facts">
        <Fact name="In the database since">{at(subscriber.createdAt)}</Fact>
        {!isErased && (
          <Fact name="Topics">
            {subscriber.topics.length === 0 ? 'everything' : subscriber.topics.join(', ')}
          </Fact>
        )}
        {subscriber.timezone !== null && <Fact name="Time zone">{subscriber.timezone}</Fact>}
        {subscriber.pausedUntil !== null && <Fact name="Paused until">{at(subscriber.pausedUntil)}</Fact>}
        {subscriber.status === 'suppressed' && (
          <Fact name="Why no mail">
            {describeCause(suppressionCause(subscriber.reason), subscriber.reason)}
          </Fact>
        )}
        {subscriber.status !== 'suppressed' && subscriber.reason !== null && (
          <Fact name="Why">{subscriber.reason}</Fact>
        )}
      </dl>
      <Part
        name="Consent"
        none="No consent is in the database."
        columns={['When', 'What', 'How']}
        rows={consents
          .toReversed()
          .map(({ event, at: when, method, source, ip, userAgent }) => [
            at(when),
            event.replaceAll('_', ' '),
            [method, source, ip, userAgent].filter((each) => each !== null).join(', '),
          ])}
      />
      <Part
        name="Issues"
        none="No issue was for them yet."
        columns={['Submitted', 'Issue', 'What became of it']}
        rows={deliveries
          .toReversed()
          .map(({ issue, status, reason, submittedAt }) => [
            at(submittedAt),
            issue,
            reason === null ? status : `${status}: ${reasonOf(reason)}`,
          ])}
      />
      <Part
        name="Events"
        none="The provider reported nothing about them."
        columns={['When', 'What', 'More']}
        rows={events.map(({ at: when, kind, reason, link, issue }) => [
          formatTime(when, zone),
          kind.replaceAll('_', ' '),
          [issue, link, reason].filter((each) => each !== null).join(' · '),
        ])}
      />
      <Part
        name="Votes"
        none="They did not vote."
        columns={['When', 'Tool', 'Call']}
        rows={votes.toReversed().map(({ at: when, tool, call }) => [at(when), tool, call])}
      />
      <Part
        name="Other mail"
        none="Nothing else was mailed to them."
        columns={['When', 'What', 'Status']}
        rows={mails.toReversed().map(({ kind, status, createdAt }) => [at(createdAt), kind, status])}
      />
      {session.editor.role === 'publisher' && !isErased && subscriber.status === 'suppressed' && (
        <section>
          <h2>Mail them again</h2>
          <Restore {...{ session, id, subscriber }} />
        </section>
      )}
      {session.editor.role === 'publisher' && !isErased && <Powers {...{ session, id, subscriber }} />}
    </DeskPage>,
  );
}

const Fact = ({ name, children }: { name: string; children: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

interface PartProps {
  name: string;
  none: string;
  columns: [string, string, string];
  rows: [string, string, string][];
}

/** Newest first. */
const Part = ({ name, none, columns, rows }: PartProps) => (
  <section>
    <h2>{name}</h2>
    {rows.length === 0 ? (
      <p className="meta">{none}</p>
    ) : (
      <Table
        label={name}
        columns={columns.map((head, at) => ({ head, cell: (cells: string[]) => cells[at], breaks: at > 0 }))}
        rows={rows}
      />
    )}
  </section>
);

/**
 * Says whether the person can be mailed again and who can decide it, with the form for the one case that can be
 * lifted here.
 */
const Restore = ({
  session,
  id,
  subscriber,
}: { session: DeskSession; id: string } & Pick<History, 'subscriber'>) => {
  if (suppressionCause(subscriber.reason) !== 'bounced')
    return (
      <p className="meta">
        Nobody here can lift that. They have to ask for it themselves, in their own words.
      </p>
    );
  if (subscriber.confirmedAt === null)
    return (
      <p className="meta">
        They never confirmed, so they can only be asked: when they sign up again, they get a confirm mail.
      </p>
    );
  return (
    <form method="post" action={`/editor/people/${id}/restore`}>
      <Csrf session={session} />
      <label className="field">
        <span>Why mail to this address will arrive now</span>
        <input name="reason" required maxLength={REASON_MAX_LENGTH} autoComplete="off" />
      </label>
      <div className="doings">
        <button type="submit" className="quiet">
          Lift the bounce
        </button>
      </div>
    </form>
  );
};

const Powers = ({
  session,
  id,
  subscriber,
}: { session: DeskSession; id: string } & Pick<History, 'subscriber'>) => (
  <section>
    <h2>Take them off the list</h2>
    {subscriber.status !== 'suppressed' && (
      <form method="post" action={`/editor/people/${id}/suppress`}>
        <Csrf session={session} />
        <label className="field">
          <span>Why they are never to be mailed again</span>
          <input name="reason" required maxLength={REASON_MAX_LENGTH} autoComplete="off" />
        </label>
        <div className="doings">
          <button type="submit" className="quiet">
            Suppress them
          </button>
        </div>
      </form>
    )}
    <p>
      <a className="tap" href={`/editor/people/${id}/erase`}>
        Erase them…
      </a>
    </p>
  </section>
);

/** The second step of an erasure: what is deleted, what stays, and one button. */
export function erasePage(
  site: Site,
  { session, person }: { session: DeskSession; person: Subscriber },
): string {
  return render(
    <DeskPage site={site} title="Erase a subscriber" session={session} here="/editor/people">
      <h1 className="address">Erase {person.email === '' ? 'somebody who was forgotten' : person.email}?</h1>
      <div className="stack lit">
        <p>
          <strong>Their address goes from every table, with their topics and votes.</strong>
        </p>
        <p>
          What stays is a row without a person, which the ledger and the consent log point to, and a hash, so
          that no import brings them back. This cannot be undone.
        </p>
      </div>
      {session.editor.role === 'publisher' ? (
        <form method="post">
          <Csrf session={session} />
          <div className="doings">
            <button type="submit">Erase them for good</button>
            <a className="button quiet" href={`/editor/people/${person.id}`}>
              Back, and change nothing
            </a>
          </div>
        </form>
      ) : (
        <p className="notice after">That takes a publisher; you are signed in as an editor.</p>
      )}
    </DeskPage>,
  );
}
