import { copy } from '../../../emails/words.ts';
import { type Mistyped, TypedAddress } from '../../platform/http/pages/address-field.tsx';
import { Page, ReplyTo, render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { AskFresh } from '../step-up/step-up-page.tsx';

/**
 * Says what the button will do. Opening or closing the page changes nothing.
 * @param addresses masked.
 * @param field name of the button's field.
 */
export function unsubscribePage(site: Site, addresses: readonly string[], field = 'confirm'): string {
  return render(
    <Page site={site} title="Leave the list">
      <div className="stack">
        <h1>Leave the list?</h1>
        <p>
          We will send no further issue to <Addresses addresses={addresses} />. It takes effect at once, and
          nobody asks you why.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name={field} value="1" />
        <button type="submit">Unsubscribe</button>
      </form>
      <p className="meta after">To stay, close this page. Nothing has changed so far.</p>
    </Page>,
  );
}

const Addresses = ({ addresses }: { addresses: readonly string[] }) =>
  new Intl.ListFormat('en', { type: 'conjunction' })
    .formatToParts(addresses)
    .map(({ type, value }) => (type === 'element' ? <strong key={value}>{value}</strong> : value));

/**
 * Everybody who is off the list gets this page: unsubscribed, suppressed or erased.
 * @param token of the preferences link, if there is one: unsubscribing does not delete the data.
 */
export function unsubscribedPage(site: Site, token?: string): string {
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
            We keep your address so that no old list brings you back. You can have what we know of you, or
            have it erased: we mail you a link for it.
          </p>
        )}
      </div>
      {token !== undefined && (
        <div className="row">
          <AskFresh token={token} purpose="export" label="Download my data" />
          <AskFresh token={token} purpose="erase" label="Erase me" />
        </div>
      )}
    </Page>,
  );
}

/** For a reader without a link at hand, and for links without a token, such as those in the archive. */
export function unsubscribeHelpPage(site: Site, mistyped?: Mistyped): string {
  return render(
    <Page site={site} title="How to leave">
      <div className="stack">
        <h1>How to leave the list</h1>
        <p>
          Every issue ends with a link called <strong>{copy.unsubscribe}</strong>. It knows which address it
          was sent to, so there is nothing to type. Most mail programs also show a button of their own near
          the sender’s name.
        </p>
        <p>No issue at hand? Then let us mail you a link that ends them in one press.</p>
      </div>
      <form method="post">
        <TypedAddress label="Your address" mistyped={mistyped} />
        <button type="submit">Mail me a link to leave</button>
      </form>
      <p className="meta after">
        Or write to <ReplyTo site={site} /> from the address that should get no more.
      </p>
    </Page>,
  );
}

/** Every address gets the same page, known or not. */
export function unsubscribeLinkSentPage(site: Site): string {
  return render(
    <Page site={site} title="Look in your inbox">
      <div className="stack">
        <h1>Look in your inbox</h1>
        <p>
          If that address gets our issues, a mail is on its way to it. Its link takes you off the list in one
          press.
        </p>
        <p>
          Nothing there after ten minutes? Look among the spam, or write to <ReplyTo site={site} />.
        </p>
      </div>
    </Page>,
  );
}
