import type { ReactNode } from 'react';
import { copy } from '../../../emails/words.ts';
import { type Mistyped, TypedAddress } from '../../platform/http/pages/address-field.tsx';
import { day } from '../../platform/http/pages/dates.ts';
import { Page, ReplyTo, render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { AskFresh } from '../step-up/step-up-page.tsx';
import { PAUSE_WEEKS } from './preferences-store.ts';
import type { TopicChoice } from './topic-choices.ts';

/** What the pressed button did. */
export type Notice = { kind: 'saved'; topics: string[] } | { kind: 'paused' } | { kind: 'resumed' };

export interface PreferencesPage {
  token: string;
  /** Masked. */
  address: string;
  choices: TopicChoice[];
  pausedUntil: Date | null;
  notice: Notice | null;
}

/** What a reader gets, how to get less of it, and what data we store. */
export function preferencesPage(site: Site, page: PreferencesPage): string {
  const { token, address, choices, pausedUntil, notice } = page;
  return render(
    <Page site={site} title="Your preferences">
      {notice !== null && (
        <p className="notice" role="status">
          {noticeText(notice, pausedUntil)}
        </p>
      )}
      <div className="stack">
        <h1>Your preferences</h1>
        <p>
          For <strong>{address}</strong>. Whatever you change here takes effect at once.
        </p>
      </div>
      <section>
        <h2>Topics</h2>
        {choices.length === 0 ? (
          <p>There are no topics to choose from yet, so you get everything.</p>
        ) : (
          <>
            <p>Tick what you want to read about; with nothing ticked you get everything.</p>
            <Act name="save" label="Save topics">
              <fieldset>
                <legend>Send me comparisons of</legend>
                {choices.map(({ topic, chosen }) => (
                  <label className="tick" key={topic}>
                    <input type="checkbox" name="topic" value={topic} defaultChecked={chosen} />
                    {topic}
                  </label>
                ))}
              </fieldset>
            </Act>
          </>
        )}
      </section>
      <section>
        <h2>Take a break</h2>
        {pausedUntil === null ? (
          <>
            <p>No issue for {PAUSE_WEEKS} weeks. After that they come again by themselves.</p>
            <Act name="pause" label={`Pause for ${PAUSE_WEEKS} weeks`} quiet />
          </>
        ) : (
          <>
            <p>
              You are on a break until{' '}
              <strong>
                <time dateTime={pausedUntil.toISOString()}>{day(pausedUntil)}</time>
              </strong>
              . No issue is sent to you before.
            </p>
            <Act name="resume" label="Go on again now" />
          </>
        )}
      </section>
      <section>
        <h2>Another address, or your data</h2>
        <p>
          For these we mail you another link first, because this one may have been passed on with an issue.
        </p>
        <div className="row">
          <AskFresh token={token} purpose="change_address" label="Change my address" />
          <AskFresh token={token} purpose="export" label="Download my data" />
          <AskFresh token={token} purpose="erase" label="Erase me" />
        </div>
        <p className="after">
          {' '}
          Is the old inbox closed to you? Unsubscribe below, and <a href="/subscribe">sign up</a> with the new
          address.
        </p>
      </section>
      <section>
        <h2>Links that others may have</h2>
        <p>
          Whoever has an issue of yours can open this page. One press, and every link that we mailed you so
          far stops working, except for leaving. We mail you a new one.
        </p>
        <Act name="void" label="Cancel all my older links" quiet />
      </section>
      <section>
        <h2>Leave the list</h2>
        <p>One press, and no further issue is sent to you.</p>
        <Act name="leave" label="Unsubscribe" quiet />
      </section>
    </Page>,
  );
}

/** One form with one button; its hidden field names the action. */
const Act = ({
  name,
  label,
  quiet = false,
  children,
}: {
  name: string;
  label: string;
  quiet?: boolean;
  children?: ReactNode;
}) => (
  <form method="post">
    <input type="hidden" name={name} value="1" />
    {children}
    <button type="submit" className={quiet ? 'quiet' : undefined}>
      {label}
    </button>
  </form>
);

function noticeText(notice: Notice, pausedUntil: Date | null): ReactNode {
  switch (notice.kind) {
    case 'saved':
      return (
        <>
          <strong>Saved.</strong> {promise(notice.topics)}
        </>
      );
    case 'paused':
      return (
        <>
          <strong>Paused.</strong> No issue{pausedUntil === null ? '' : ` until ${day(pausedUntil)}`}.
        </>
      );
    case 'resumed':
      return (
        <>
          <strong>Welcome back.</strong> The next issue is yours again.
        </>
      );
  }
}

function promise(topics: string[]): string {
  if (topics.length === 0) return 'From the next issue on you get everything.';
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(topics);
  return `From the next issue on you get ${list}; in a week without any of that, no issue.`;
}

/** For a reader who has no link at hand: one is mailed to them. */
export function preferencesHelpPage(site: Site, mistyped?: Mistyped): string {
  return render(
    <Page site={site} title="Change your preferences">
      <div className="stack">
        <h1>How to change your preferences</h1>
        <p>
          Every issue ends with a link called <strong>{copy.preferences}</strong>. It knows which address it
          was sent to, so there is nothing to log in to.
        </p>
        <p>No issue at hand? Then let us mail you the link.</p>
      </div>
      <form method="post">
        <TypedAddress label="Your address" mistyped={mistyped} />
        <button type="submit">Mail me the link</button>
      </form>
      <p className="meta after">
        Or write to <ReplyTo site={site} />.
      </p>
    </Page>,
  );
}

/** Every address gets the same page, known or not. */
export function linkSentPage(site: Site): string {
  return render(
    <Page site={site} title="Look in your inbox">
      <div className="stack">
        <h1>Look in your inbox</h1>
        <p>If that address gets our issues, a mail with the link is on its way to it.</p>
        <p>
          Nothing there after ten minutes? Look among the spam, or write to <ReplyTo site={site} />.
        </p>
      </div>
    </Page>,
  );
}
