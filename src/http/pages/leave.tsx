import { copy } from '../../../emails/words.ts';
import type { Site } from '../site.ts';
import { Page, ReplyTo, render } from './layout.tsx';

/** What will happen, and the one button. Opening it does nothing, closing it neither. */
export function leavePage(site: Site, maskedAddress: string): string {
  return render(
    <Page site={site} title="Leave the list">
      <div className="stack">
        <h1>Leave the list?</h1>
        <p>
          We will send no further issue to <strong>{maskedAddress}</strong>. It takes effect at once, and
          nobody asks you why.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="confirm" value="1" />
        <button type="submit">Unsubscribe</button>
      </form>
      <p className="meta after">To stay, close this page. Nothing has changed so far.</p>
    </Page>,
  );
}

/**
 * The same for everybody who is not on the list, however they left it.
 * @param token of the preferences, for whoever came with one: leaving is not being forgotten.
 */
export function leftPage(site: Site, token?: string): string {
  return render(
    <Page site={site} title="You are off the list">
      <div className="stack">
        <h1>You are off the list</h1>
        <p>
          No issue will be sent to you any more. Should one have been on its way already, it was the last.
        </p>
        <p>
          The verdicts stay <a href="/issues">on this site</a>, and need no address.
        </p>
        {token !== undefined && (
          <p>
            We keep your address so that no old list brings you back. You can{' '}
            <a className="tap" href={`/preferences/${token}/export`} download="my-data.json">
              download your data
            </a>{' '}
            or{' '}
            <a className="tap" href={`/preferences/${token}/erase`}>
              erase it
            </a>
            .
          </p>
        )}
      </div>
    </Page>,
  );
}

/** For links without a token, such as those of the archive. */
export function leaveHelpPage(site: Site): string {
  return render(
    <Page site={site} title="How to leave">
      <div className="stack">
        <h1>How to leave the list</h1>
        <p>
          Every issue ends with a link called <strong>{copy.unsubscribe}</strong>. It knows which address it
          was sent to, so there is nothing to type. Most mail programs also show a button of their own near
          the sender’s name.
        </p>
        <p>
          No issue at hand? Write to <ReplyTo site={site} /> from the address that should get no more.
        </p>
      </div>
    </Page>,
  );
}
