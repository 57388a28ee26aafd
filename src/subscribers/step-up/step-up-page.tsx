import { type Mistyped, TypedAddress } from '../../platform/http/pages/address-field.tsx';
import { Page, ReplyTo, render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { CHANGE_LINK_HOURS, FRESH_LINK_MINUTES } from '../../transactional/link-lifetimes.ts';
import type { FreshLinkPurpose } from './step-up-store.ts';

/**
 * What requires a fresh link: requesting one, by a link in an issue, and using it. Only the pages behind a fresh link
 * show the whole address, because only a person who reads its mail can open them.
 */

/** One button that asks for a fresh link; its form can stand on any page. */
export const AskFresh = ({
  token,
  purpose,
  label,
}: {
  /** Token of the preferences link. */
  token: string;
  purpose: FreshLinkPurpose;
  label: string;
}) => (
  <form method="post" action={`/preferences/${token}`}>
    <input type="hidden" name="ask" value={purpose} />
    <button type="submit" className="quiet">
      {label}
    </button>
  </form>
);

/** @param maskedAddress the address that gets the fresh link. */
export function freshLinkSentPage(site: Site, maskedAddress: string): string {
  return render(
    <Page site={site} title="Look in your inbox">
      <div className="stack">
        <h1>Look in your inbox</h1>
        <p>
          A mail is on its way to <strong>{maskedAddress}</strong>. Open the link in it to go on: it works
          once, for {FRESH_LINK_MINUTES} minutes.
        </p>
        <p>
          Why? A link in an issue works for everybody who has the issue, and issues are passed on. The one in
          the mail proves that the inbox is yours. Nothing has changed so far.
        </p>
        <p>
          Nothing there after ten minutes? Look among the spam, or write to <ReplyTo site={site} />.
        </p>
      </div>
    </Page>,
  );
}

export function exportPage(site: Site, address: string): string {
  return render(
    <Page site={site} title="Download your data">
      <div className="stack">
        <h1>Download your data?</h1>
        <p>
          All that we know about <strong className="address">{address}</strong>, in one file: your choices,
          what you agreed to and when and from where, every issue and every vote. We then mail you that it was
          downloaded.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="export" value="1" />
        <button type="submit">Download my data</button>
      </form>
      <p className="meta after">The button works once.</p>
    </Page>,
  );
}

export function changeAddressPage(site: Site, address: string, mistyped?: Mistyped): string {
  return render(
    <Page site={site} title="Change your address">
      <div className="stack">
        <h1>Change your address</h1>
        <p>
          Issues go to <strong className="address">{address}</strong> now. We write to the new address first,
          and nothing changes until its owner says yes.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="change_address" value="1" />
        <TypedAddress label="New address" mistyped={mistyped} />
        <button type="submit">Use this address</button>
      </form>
      <p className="meta after">To stay where you are, close this page. Nothing has changed so far.</p>
    </Page>,
  );
}

/** The page is the same whether or not the address can be used. @param address as typed. */
export function newAddressRequestedPage(site: Site, address: string): string {
  return render(
    <Page site={site} title="Look in the other inbox">
      <div className="stack">
        <h1>Look in the other inbox</h1>
        <p>
          If <span className="address">{address}</span> can be used, a mail is on its way there. Its link
          works for {CHANGE_LINK_HOURS} hours, and until it is pressed nothing changes.
        </p>
      </div>
    </Page>,
  );
}

const USED: Record<Exclude<FreshLinkPurpose, 'erase'>, { title: string; text: string }> = {
  export: {
    title: 'Your data was downloaded',
    text: 'This link has done what it was for. It works once.',
  },
  change_address: {
    title: 'The new address was asked',
    text: 'This link has done what it was for. If the new address can be used, the mail that went there has a link to press.',
  },
};

/** For a link that was already used. */
export function freshLinkUsedPage(site: Site, purpose: Exclude<FreshLinkPurpose, 'erase'>): string {
  const { title, text } = USED[purpose];
  return render(
    <Page site={site} title={title}>
      <div className="stack">
        <h1>{title}</h1>
        <p>{text}</p>
        <p>
          If that was not you, somebody else reads your mail: change its password, and write to{' '}
          <ReplyTo site={site} />.
        </p>
      </div>
      <AskAgain />
    </Page>,
  );
}

export function freshLinkExpiredPage(site: Site): string {
  return render(
    <Page site={site} title="This link has run out">
      <div className="stack">
        <h1>This link has run out</h1>
        <p>
          It worked for {FRESH_LINK_MINUTES} minutes. Nothing was changed. Another one goes to the same inbox.
        </p>
      </div>
      <AskAgain />
    </Page>,
  );
}

const AskAgain = () => (
  <form method="post">
    <input type="hidden" name="again" value="1" />
    <button type="submit" className="quiet">
      Mail me another link
    </button>
  </form>
);

/** @param maskedAddress the address that gets new links. */
export function linksVoidPage(site: Site, maskedAddress: string): string {
  return render(
    <Page site={site} title="Your older links no longer work">
      <div className="stack">
        <h1>Your older links no longer work</h1>
        <p>
          Every link that we mailed you before now has stopped working: the one you came by, and any that
          somebody else may have. Only <strong>Unsubscribe</strong> works still, because leaving always must.
        </p>
        <p>
          A mail with a new link is on its way to <strong>{maskedAddress}</strong>, and the next issue brings
          new ones.
        </p>
      </div>
    </Page>,
  );
}
