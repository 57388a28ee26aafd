import { Page, render } from '../../platform/http/pages/layout.tsx';
import { maskAddress, type Site } from '../../platform/site.ts';
import { CHANGE_LINK_HOURS } from '../../transactional/link-lifetimes.ts';
import type { AddressChange } from './preferences-store.ts';

/** The page behind the link in the mail to a new address. */
export function addressChangePage(site: Site, change: AddressChange): string {
  const State = { open: OpenChange, done: ChangeMade, over: ChangeOver }[change.state];
  return render(<State site={site} change={change} />);
}

interface Props {
  site: Site;
  change: AddressChange;
}

const OpenChange = ({ site, change }: Props) => (
  <Page site={site} title="Use this address">
    <div className="stack">
      <h1>Use this address?</h1>
      <p>
        Issues that went to <strong>{maskAddress(change.from)}</strong> will be sent to{' '}
        <strong>{maskAddress(change.to)}</strong> from now on. Topics and everything else stay as they are.
      </p>
    </div>
    <form method="post">
      <button type="submit">Use this address</button>
    </form>
    <p className="meta after">
      You did not ask for this? Close this page. Nothing has changed so far, and nothing will.
    </p>
  </Page>
);

const ChangeMade = ({ site, change }: Props) => (
  <Page site={site} title="Your address is changed">
    <div className="stack">
      <h1>Your address is changed</h1>
      <p>
        Issues go to <strong>{maskAddress(change.to)}</strong> from now on. We told the old address that it
        gets none any more.
      </p>
    </div>
  </Page>
);

const ChangeOver = ({ site }: Props) => (
  <Page site={site} title="This link has run out">
    <div className="stack">
      <h1>This link has run out</h1>
      <p>
        It works for {CHANGE_LINK_HOURS} hours, and only while the address is free. Nothing was changed. Open
        your <a href="/preferences">preferences</a> and ask for another.
      </p>
    </div>
  </Page>
);
