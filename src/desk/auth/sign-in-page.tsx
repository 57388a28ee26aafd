import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { SIGN_IN_LINK_MINUTES } from '../../transactional/link-lifetimes.ts';
import { DeskPage } from '../frame/frame.tsx';

export function signInPage(site: Site): string {
  return render(
    <DeskPage site={site} title="Sign in">
      <div className="stack">
        <h1>Sign in to the desk</h1>
        <p>There is no password. Tell us your address, and open the link that we mail to it.</p>
      </div>
      <form method="post">
        <label className="field">
          <span>Your address</span>
          <input type="email" name="email" autoComplete="email" required maxLength={254} />
        </label>
        <div className="doings">
          <button type="submit">Mail me a link</button>
        </div>
      </form>
    </DeskPage>,
  );
}

/** The same page for every address, so that it does not reveal who is an editor. */
export function linkSentPage(site: Site): string {
  return render(
    <DeskPage site={site} title="Look in your inbox">
      <div className="stack">
        <h1>Look in your inbox</h1>
        <p>
          If that is the address of an editor, a link is on its way. It works once, for {SIGN_IN_LINK_MINUTES}{' '}
          minutes, in this browser.
        </p>
        <p className="meta">
          Nothing came? <a href="/editor/sign-in">Ask again</a>, with the address that is in the settings.
        </p>
      </div>
    </DeskPage>,
  );
}

/** Opening the link is not enough to sign in, because mail scanners open every link. */
export function enterPage(site: Site): string {
  return render(
    <DeskPage site={site} title="Sign in">
      <div className="stack">
        <h1>Almost there</h1>
        <p>Press the button, and you are at the desk.</p>
      </div>
      <form method="post">
        <button type="submit">Sign in</button>
      </form>
    </DeskPage>,
  );
}
