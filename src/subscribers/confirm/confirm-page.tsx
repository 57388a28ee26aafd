import { Page, render } from '../../platform/http/pages/layout.tsx';
import type { ArchivedIssue, Site } from '../../platform/site.ts';
import { CONFIRM_LINK_HOURS } from '../../transactional/link-lifetimes.ts';

const list = new Intl.ListFormat('en', { type: 'conjunction' });

/** Says what the button will do. Opening the page changes nothing, because mail scanners open every link. */
export function confirmPage(
  site: Site,
  { address, topics, never }: { address: string; topics: string[]; never: string },
): string {
  return render(
    <Page site={site} title="Confirm your subscription">
      <div className="stack">
        <h1>Is this you?</h1>
        <p>
          Press the button, and {site.newsletterName} goes to <strong>{address}</strong>, one issue a week
          {topics.length === 0 ? '' : `, with comparisons of ${list.format(topics)}`}. You can leave at any
          time, with one press.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="confirm" value="1" />
        <button type="submit">Yes, subscribe me</button>
      </form>
      <p className="meta after">
        Not you? Close this page, and nothing happens. Or <a href={never}>never get mail from us again</a>.
      </p>
    </Page>,
  );
}

/** Later visits show the same page. */
export function confirmedPage(site: Site, latest: ArchivedIssue | undefined): string {
  return render(
    <Page site={site} title="You are on the list">
      <div className="stack">
        <h1>You are on the list</h1>
        <p className="lede">The next issue of {site.newsletterName} is yours.</p>
        {latest === undefined ? (
          <p>
            Until then, the verdicts so far are <a href="/comparisons">on this site</a>.
          </p>
        ) : (
          <p>
            Until then:{' '}
            <a href={`/issues/${latest.slug}`}>
              No. {latest.number}, {latest.subject}
            </a>
            .
          </p>
        )}
        <p>Every issue ends with links to change your topics, to pause and to leave.</p>
      </div>
    </Page>,
  );
}

/** Every link that no longer works shows this page, so that the page does not reveal the reason. */
export function expiredPage(site: Site): string {
  return render(
    <Page site={site} title="This link is over">
      <div className="stack">
        <h1>This link is over</h1>
        <p>
          A confirm link works for {CONFIRM_LINK_HOURS} hours, once, and only until a newer one is sent. Or
          mail programs cut it in two: then open it in the mail once more.
        </p>
        <p>
          To get a new one, <a href="/subscribe">sign up again</a>. It takes ten seconds.
        </p>
      </div>
    </Page>,
  );
}

/** For people whose address was typed into a form by somebody else. */
export function neverPage(site: Site, address: string): string {
  return render(
    <Page site={site} title="Never mail me again">
      <div className="stack">
        <h1>Never mail you again?</h1>
        <p>
          After you press the button, nothing happens when anybody types <strong>{address}</strong> into our
          form. No issue is sent to you either. Only a person here can undo it, when you ask for it.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="never" value="1" />
        <button type="submit">Never mail me again</button>
      </form>
      <p className="meta after">To leave everything as it is, close this page.</p>
    </Page>,
  );
}

export function neverAgainPage(site: Site): string {
  return render(
    <Page site={site} title="We will not mail you again">
      <div className="stack">
        <h1>We will not mail you again</h1>
        <p>Sorry for the trouble. Should a mail have been on its way already, it was the last.</p>
      </div>
    </Page>,
  );
}
